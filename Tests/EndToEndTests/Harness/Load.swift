// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOSSL
import Synchronization
import TurnpikeTestSupport

/// Clients that send one request after another until they are told to stop.
final class Load: Sendable {
    /// How clients come to a gateway.
    enum Way: String, CaseIterable, Sendable {
        case clear, tls, http2

        /// One that keeps its connections; the certificate is of no interest.
        fileprivate var client: HTTPClient {
            var configuration = HTTPClient.Configuration()
            configuration.tlsConfiguration = .makeClientConfiguration()
            configuration.tlsConfiguration?.certificateVerification = .none
            configuration.httpVersion = self == .http2 ? .automatic : .http1Only
            return HTTPClient(configuration: configuration)
        }
    }

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

    /// Runs `body` while clients send requests for orders, so many by each way; returns what they saw, once all of them have
    /// stopped.
    static func on(
        _ gateway: GatewayProcess, key: String, clients: Int = 4, by ways: [Way] = [.clear],
        while body: (Load) async throws -> Void
    ) async throws -> Tally {
        let load = Load()
        let lines = ways.map { (way: $0, client: $0.client) }
        let tally = try await withThrowingTaskGroup(of: Void.self) { group in
            for line in lines {
                for number in 1...clients {
                    group.addTask { await load.run("\(line.way)-\(number)", line.way, line.client, gateway, key) }
                }
            }
            defer { load.isStopping.store(true, ordering: .sequentiallyConsistent) }
            try await body(load)
            load.isStopping.store(true, ordering: .sequentiallyConsistent)
            try await group.waitForAll()
            return load.tally.withLock { $0 }
        }
        for line in lines { try await line.client.shutdown() }
        return tally
    }

    /// Returns once the clients have had `count` more answers.
    func advance(by count: Int) async throws {
        let goal = served + count
        try await until("\(count) more requests are answered") {
            served >= goal || tally.withLock { !$0.failures.isEmpty }
        }
    }

    private func run(
        _ name: String, _ way: Way, _ client: HTTPClient, _ gateway: GatewayProcess, _ key: String
    ) async {
        var number = 0
        while !isStopping.load(ordering: .sequentiallyConsistent) {
            number += 1
            do {
                let path = "/v1/orders/\(name)-\(number)"
                let exchange = try await gateway.get(path, key: key, isSecure: way != .clear, by: client)
                tally.withLock { tally in
                    if exchange.status == 200 { tally.served += 1 } else { tally.failures.append("\(exchange)") }
                }
            } catch {
                tally.withLock { $0.failures.append("\(error)") }
            }
        }
    }
}
