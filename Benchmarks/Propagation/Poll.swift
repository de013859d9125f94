// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Asks a gateway again and again until it answers by a new configuration.
///
/// Not without pause: the gateway takes a new configuration on the same loop that answers these requests.
enum Poll {
    static let pause = TimeAmount.microseconds(200)

    /// - Parameter isNew: whether the answer's status tells the new configuration.
    /// - Returns: when the first such answer had come.
    static func until(
        _ connection: Connection, asking request: ByteBuffer, isNew: @escaping @Sendable (Int) -> Bool
    ) async throws -> ContinuousClock.Instant {
        try await withCheckedThrowingContinuation { caller in
            connection.loop.execute { ask(connection, request, isNew) { caller.resume(with: $0) } }
        }
    }

    private static func ask(
        _ connection: Connection, _ request: ByteBuffer, _ isNew: @escaping @Sendable (Int) -> Bool,
        _ done: @escaping (Result<ContinuousClock.Instant, any Error>) -> Void
    ) {
        connection.send(request, keepsBody: false) { result in
            switch result {
            case .success(let answer) where isNew(answer.status): done(.success(.now))
            case .success:
                connection.loop.assumeIsolated().scheduleTask(in: pause) {
                    ask(connection, request, isNew, done)
                }
            case .failure(let error): done(.failure(error))
            }
        }
    }
}
