// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import TurnpikeModel
import TurnpikeSnapshot

/// `turnpike serve`: a program, a port, and the first operator's token.
final class ControlPlane: Sendable {
    let port: Int
    let token: String
    private let stage: Stage
    private let running: Mutex<Program>

    private init(port: Int, token: String, stage: Stage, program: Program) {
        self.port = port
        self.token = token
        self.stage = stage
        running = Mutex(program)
    }

    /// Starts one on a free port, with a new database.
    static func start(on stage: Stage) async throws -> ControlPlane {
        let program = try launch(on: stage, port: 0)
        let token = try await program.match(/tp_op_[0-9A-Za-z]+/)
        let line = try await program.match(/Turnpike control plane: http:\/\/[^:\s]+:(\d+),/)
        guard let port = Int(line.1) else { throw Program.Ended(name: program.name, output: program.output) }
        return ControlPlane(port: port, token: String(token), stage: stage, program: program)
    }

    private static func launch(on stage: Stage, port: Int) throws -> Program {
        try stage.start(
            "turnpike",
            ["serve", "--listen", "127.0.0.1:\(port)", "--data", "\(stage.folder)/data", "--log-level", "warning"])
    }

    var program: Program { running.withLock { $0 } }
    var url: String { "http://127.0.0.1:\(port)" }
    var folder: String { "\(stage.folder)/data" }
    var database: String { "\(folder)/turnpike.sqlite" }

    /// Starts the program again, on the same port and database, and returns at once.
    @discardableResult
    func relaunch() throws -> Program {
        let program = try ControlPlane.launch(on: stage, port: port)
        running.withLock { $0 = program }
        return program
    }

    /// Starts the program again.
    ///
    /// - Returns: the time until it says that it is ready.
    @discardableResult
    func restart() async throws -> Duration {
        let start = ContinuousClock.now
        let program = try relaunch()
        while await !isReady() {
            guard program.isRunning else { throw Program.Ended(name: program.name, output: program.output) }
            try await Task.sleep(for: .milliseconds(1))
        }
        return ContinuousClock.now - start
    }

    private func isReady() async -> Bool {
        guard let connection = try? await Connection.open(port: port, on: stage.loop) else { return false }
        defer { connection.close() }
        return (try? await connection.exchange(RequestText.make("GET", "/readyz")))?.status == 200
    }

    /// - Parameter loop: the stage's own where there is none.
    func connect(on loop: (any EventLoop)? = nil) async throws -> API {
        API(connection: try await Connection.open(port: port, on: loop ?? stage.loop), token: token)
    }

    /// Takes a simulated worker in.
    func join(_ name: String, with joinToken: String, by connection: Connection) async throws -> WorkerIdentity {
        let registration = Registration(name: name, role: .gateway, version: "simulated")
        let answer = try await API(connection: connection, token: joinToken)
            .call("POST", "/v1/workers", registration.json)
        return try WorkerIdentity(json: answer)
    }
}
