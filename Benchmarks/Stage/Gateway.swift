// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeModel

/// `turnpike-worker gateway`: a program and the port on which it serves partners.
struct Gateway: Sendable {
    let program: Program
    let port: Int
    let adminPort: Int

    /// Joins one to a control plane; returns once it holds a configuration.
    static func start(joining controlPlane: ControlPlane, on stage: Stage) async throws -> Gateway {
        let api = try await controlPlane.connect()
        defer { api.connection.close() }
        let token = try await api.call("POST", "/v1/join-tokens", ["kind": "gateway"])["token"]?.string ?? ""
        let program = try stage.start(
            "turnpike-worker",
            [
                "gateway", "--control-plane", controlPlane.url, "--listen", "127.0.0.1:0", "--admin-listen",
                "127.0.0.1:0", "--state", "\(stage.folder)/gateway", "--name", "gateway-1", "--join-token", token,
                "--log-level", "warning",
            ])
        let line = try await program.match(
            /Turnpike gateway: http:\/\/[^:\s]+:(\d+), admin http:\/\/[^:\s]+:(\d+)/)
        let gateway = Gateway(program: program, port: Int(line.1) ?? 0, adminPort: Int(line.2) ?? 0)
        try await gateway.becomesReady(on: stage)
        return gateway
    }

    private func becomesReady(on stage: Stage) async throws {
        while try await ask(on: stage) != 200 {
            guard program.isRunning else { throw Program.Ended(name: program.name, output: program.output) }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func ask(on stage: Stage) async throws -> Int {
        let connection = try await Connection.open(port: adminPort, on: stage.loop)
        defer { connection.close() }
        return try await connection.exchange(RequestText.make("GET", "/readyz")).status
    }
}
