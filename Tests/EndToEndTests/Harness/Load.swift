// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeTestSupport

/// Clients that send one request after another until they are told to stop.
final class Load: Sendable {
    /// What the clients have seen.
    struct Tally: Sendable {
        var served = 0
        /// Every answer other than 200, and every exchange without one.
        var failures: [String] = []
    }

    private let tally = Mutex(Tally())
    private let isStopping = Atomic(false)

    /// Requests answered 200 so far.
    var served: Int { tally.withLock { $0.served } }

    /// Runs `body` while clients send requests for orders; returns what they saw, once all of them have stopped.
    static func on(
        _ gateway: GatewayProcess, key: String, clients: Int = 4, while body: (Load) async throws -> Void
    ) async throws -> Tally {
        let load = Load()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 1...clients {
                group.addTask { await load.run(client, gateway, key) }
            }
            defer { load.isStopping.store(true, ordering: .sequentiallyConsistent) }
            try await body(load)
            load.isStopping.store(true, ordering: .sequentiallyConsistent)
            try await group.waitForAll()
            return load.tally.withLock { $0 }
        }
    }

    /// Returns once the clients have had `count` more answers.
    func advance(by count: Int) async throws {
        let goal = served + count
        try await until("\(count) more requests are answered") {
            served >= goal || tally.withLock { !$0.failures.isEmpty }
        }
    }

    private func run(_ client: Int, _ gateway: GatewayProcess, _ key: String) async {
        var number = 0
        while !isStopping.load(ordering: .sequentiallyConsistent) {
            number += 1
            do {
                let exchange = try await gateway.get("/v1/orders/\(client)-\(number)", key: key)
                tally.withLock { tally in
                    if exchange.status == 200 { tally.served += 1 } else { tally.failures.append("\(exchange)") }
                }
            } catch {
                tally.withLock { $0.failures.append("\(error)") }
            }
        }
    }
}
