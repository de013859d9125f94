// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOHTTP1
import Synchronization
import TurnpikeModel
import TurnpikeTestSupport

/// A gateway worker as its clients and its operator see it.
final class GatewayProcess: Sendable {
    private struct Running {
        var child: ChildProcess
        var url: String
        var adminURL: String
        var secureURL: String?
    }

    private let stage: Stage
    private let name: String
    private let arguments: [String]
    private let running: Mutex<Running>

    private init(stage: Stage, name: String, arguments: [String], running: Running) {
        self.stage = stage
        self.name = name
        self.arguments = arguments
        self.running = Mutex(running)
    }

    /// Joins one to a control plane; returns once it holds a configuration.
    static func start(
        _ name: String = "gateway-1", joining controlPlane: ControlPlaneProcess, on stage: Stage,
        options: [String] = []
    ) async throws -> GatewayProcess {
        let token = try await controlPlane.call(.POST, "/v1/join-tokens", ["kind": "gateway"])["token"]?.string ?? ""
        let arguments =
            [
                "gateway", "--control-plane", controlPlane.url, "--listen", "127.0.0.1:0", "--admin-listen",
                "127.0.0.1:0",
                "--state", "\(stage.folder)/\(name)", "--name", name, "--log-level", "debug",
            ] + options
        let running = try await launch(name, arguments + ["--join-token", token], on: stage)
        let gateway = GatewayProcess(stage: stage, name: name, arguments: arguments, running: running)
        try await gateway.becomesReady()
        return gateway
    }

    private static func launch(_ name: String, _ arguments: [String], on stage: Stage) async throws -> Running {
        let child = try stage.start(name, "\(Stage.programs)/turnpike-worker", arguments)
        let line = try await child.match(
            "where it listens",
            /Turnpike gateway: (http:\/\/[^,\s]+)(?: and (https:\/\/[^,\s]+))?, admin (http:\/\/[^,\s]+)/)
        return Running(
            child: child, url: String(line.1), adminURL: String(line.3), secureURL: line.2.map { String($0) })
    }

    var process: ChildProcess { running.withLock { $0.child } }
    var url: String { running.withLock { $0.url } }
    var adminURL: String { running.withLock { $0.adminURL } }
    /// Where it listens for TLS.
    var secureURL: String? { running.withLock { $0.secureURL } }

    /// `kill -9`.
    func killHard() async throws { try await process.killHard() }

    /// Starts the worker again on its state, without a join token, and returns once it holds a configuration.
    func restart() async throws {
        let next = try await GatewayProcess.launch(name, arguments, on: stage)
        running.withLock { $0 = next }
        try await becomesReady()
    }

    private func becomesReady() async throws {
        try await until("\(name) is ready") { try await Exchange.send(.GET, adminURL + "/readyz").status == 200 }
    }

    /// Sends a GET request to the gateway.
    func get(
        _ path: String, host: String = "api.acme.test", key: String? = nil, isSecure: Bool = false,
        by client: HTTPClient = .shared
    ) async throws -> Exchange {
        var headers = [("Host", host)]
        if let key { headers.append(("X-Api-Key", key)) }
        return try await Exchange.send(
            .GET, ((isSecure ? secureURL : nil) ?? url) + path, headers: headers, by: client)
    }

    /// Sends `count` requests for orders one after the other; all must be answered 200.
    func serve(_ count: Int, key: String) async throws {
        for number in 1...count {
            let exchange = try await get("/v1/orders/\(number)", key: key)
            guard exchange.status == 200 else { throw Unserved(number: number, exchange: exchange) }
        }
    }

    /// The same on several connections at once, `count` on each: as many loops have requests to count.
    func serve(_ count: Int, on connections: Int, key: String) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<connections { group.addTask { try await self.serve(count, key: key) } }
            try await group.waitForAll()
        }
    }

    struct Unserved: Error {
        var number: Int
        var exchange: Exchange
    }
}
