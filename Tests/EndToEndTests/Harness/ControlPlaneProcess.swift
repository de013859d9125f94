// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import Synchronization
import TurnpikeModel
import TurnpikeTestSupport

/// A control plane as its users see it: a program, an address, a token.
final class ControlPlaneProcess: Sendable {
    let url: String
    let token: String
    private let stage: Stage
    private let options: [String]
    private let child: Mutex<ChildProcess>

    private init(url: String, token: String, stage: Stage, options: [String], child: ChildProcess) {
        self.url = url
        self.token = token
        self.stage = stage
        self.options = options
        self.child = Mutex(child)
    }

    /// Starts one on a free port, with a new database.
    static func start(on stage: Stage, options: [String] = []) async throws -> ControlPlaneProcess {
        let child = try launch(on: stage, port: 0, options)
        let token = try await child.match("its first token", /tp_op_[0-9A-Za-z]+/)
        return ControlPlaneProcess(
            url: try await readyURL(of: child), token: String(token), stage: stage, options: options,
            child: child
        )
    }

    private static func launch(on stage: Stage, port: Int, _ options: [String]) throws -> ChildProcess {
        try stage.start(
            "control plane", "\(Stage.programs)/turnpike",
            [
                "serve", "--listen", "127.0.0.1:\(port)", "--data", "\(stage.folder)/data", "--log-level", "debug",
            ] + options)
    }

    private static func readyURL(of child: ChildProcess) async throws -> String {
        let line = try await child.match("that it is ready", /Turnpike control plane: (http:\/\/[^,\s]+), data in/)
        return String(line.1)
    }

    var process: ChildProcess { child.withLock { $0 } }

    /// `kill -9`.
    func killHard() async throws { try await process.killHard() }

    /// Starts the control plane again, on the same port and database.
    func restart() async throws {
        try beginRestart()
        _ = try await ControlPlaneProcess.readyURL(of: process)
    }

    /// The same, without waiting until it is ready.
    func beginRestart() throws {
        guard let port = url.split(separator: ":").last.flatMap({ Int($0) }) else { return }
        let next = try ControlPlaneProcess.launch(on: stage, port: port, options)
        child.withLock { $0 = next }
    }

    // MARK: The REST API

    /// Sends a request as the first operator.
    func send(_ method: HTTPMethod, _ target: String, _ body: JSON? = nil) async throws -> Exchange {
        try await Exchange.send(method, url + target, headers: [("Authorization", "Bearer \(token)")], body: body)
    }

    /// Sends a request that must succeed, and returns its answer's body.
    @discardableResult
    func call(_ method: HTTPMethod, _ target: String, _ body: JSON? = nil) async throws -> JSON {
        let exchange = try await send(method, target, body)
        guard (200..<300).contains(exchange.status) else {
            throw Refused(what: "\(method.rawValue) \(target)", status: exchange.status, text: exchange.text)
        }
        return exchange.json
    }

    struct Refused: Error {
        var what: String
        var status: Int
        var text: String
    }
}

extension ControlPlaneProcess {
    /// Tenant `acme` with service and route `orders` and a key; the gateways have applied all of it.
    ///
    /// - Returns: the key's plaintext.
    func serveOrders(from origin: Origin) async throws -> String {
        try await call(.POST, "/v1/tenants", ["name": "acme", "timeZone": "Europe/Berlin"])
        try await call(
            .PUT, "/v1/tenants/acme/services/orders",
            [
                "endpoints": [["host": "127.0.0.1", "port": .integer(Int64(origin.port))]]
            ])
        try await call(
            .PUT, "/v1/tenants/acme/routes/orders",
            [
                "match": ["hosts": ["api.acme.test"], "paths": [["prefix": "/v1/orders"]], "methods": ["GET"]],
                "auth": ["anyOf": [["apiKey": .object(JSONObject())]]], "backends": [["service": "orders"]],
            ])
        let target = "/v1/tenants/acme/api-keys?wait=applied&timeout=30s"
        let key = try await call(.POST, target, ["name": "partner-1"])
        guard let secret = key["key"]?.string else {
            throw Refused(what: "the new key's secret", status: 201, text: key.text)
        }
        return secret
    }

    /// Requests that the tenant's usage report counts, by status class.
    func usage(of tenant: String = "acme") async throws -> [String: Int] {
        let report = try await call(.GET, "/v1/tenants/\(tenant)/usage?groupBy=statusClass")
        var requests: [String: Int] = [:]
        for row in report["data"]?.array ?? [] {
            guard let statusClass = row["statusClass"]?.string, let count = row["requests"]?.integer else { continue }
            requests[statusClass] = Int(count)
        }
        return requests
    }
}
