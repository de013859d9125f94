// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Clients that each send one request after another for a time.
///
/// `@unchecked Sendable`: all state is touched on the connections' one event loop only.
final class Load: @unchecked Sendable {
    struct Outcome: Sendable {
        var latencies: [Duration]
        var elapsed: Duration

        var perSecond: Double { Double(latencies.count) / elapsed.seconds }
    }

    struct Failed: Error, CustomStringConvertible {
        var description: String
    }

    private let clients: [Connection]
    private let status: Int
    private let makeRequest: @Sendable (_ client: Int, _ number: Int) -> ByteBuffer
    private var latencies: [Duration] = []
    private var deadline = ContinuousClock.now
    private var running = 0
    private var failure: (any Error)?
    private var caller: CheckedContinuation<Void, any Error>?

    /// - Parameters:
    ///   - clients: on one event loop.
    ///   - status: what each answer must have.
    ///   - makeRequest: called on the loop, with a number that grows for each client.
    init(
        _ clients: [Connection], expecting status: Int,
        request makeRequest: @escaping @Sendable (_ client: Int, _ number: Int) -> ByteBuffer
    ) {
        self.clients = clients
        self.status = status
        self.makeRequest = makeRequest
    }

    func run(for time: Duration) async throws -> Outcome {
        let start = ContinuousClock.now
        guard let loop = clients.first?.loop else { return Outcome(latencies: [], elapsed: .zero) }
        try await withCheckedThrowingContinuation { caller in
            loop.execute {
                self.caller = caller
                self.latencies = []
                self.failure = nil
                self.deadline = start + time
                self.running = self.clients.count
                for client in self.clients.indices { self.send(client, 0) }
            }
        }
        let elapsed = ContinuousClock.now - start
        let latencies = try await loop.submit { self.latencies }.get()
        return Outcome(latencies: latencies, elapsed: elapsed)
    }

    private func send(_ client: Int, _ number: Int) {
        let start = ContinuousClock.now
        guard start < deadline, failure == nil else { return finish() }
        clients[client].send(makeRequest(client, number)) { result in
            switch result {
            case .success(let answer) where answer.status == self.status:
                self.latencies.append(ContinuousClock.now - start)
                self.send(client, number + 1)
            case .success(let answer):
                self.failure = Failed(description: "answered \(answer.status): \(String(buffer: answer.body))")
                self.finish()
            case .failure(let error):
                self.failure = error
                self.finish()
            }
        }
    }

    private func finish() {
        running -= 1
        guard running == 0 else { return }
        if let failure { caller?.resume(throwing: failure) } else { caller?.resume() }
        caller = nil
    }
}
