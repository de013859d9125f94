// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOCore
import TurnpikeModel
import TurnpikeSnapshot

/// Kills the control plane again and again while clients write, and holds it to what it has answered.
struct ChaosCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos", abstract: "Kill the control plane while clients write; look for what was lost."
    )

    @Option(help: "How often the control plane is killed with SIGKILL.")
    var kills = 500

    @Option(help: "Clients that write at the same time.")
    var writers = 8

    @Option(help: "What the moments of the kills come from. (default: a random one)")
    var seed: UInt64?

    @Option(name: .shortAndLong, help: "text or json.")
    var output = OutputFormat.text

    func validate() throws {
        guard kills > 0, writers > 0 else { throw ValidationError("There must be kills and writers.") }
    }

    func run() async throws {
        let seed = self.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        say("seed \(seed)")
        let (report, verdict) = try await Stage.with { try await measure(on: $0, seed: seed) }
        report.print(as: output)
        for fault in verdict.faults.prefix(50) { say(fault) }
        if !verdict.faults.isEmpty { throw ExitCode.failure }
    }

    private func measure(on stage: Stage, seed: UInt64) async throws -> (Report, Verdict) {
        let controlPlane = try await ControlPlane.start(on: stage)
        let api = try await controlPlane.connect()
        try await api.call("POST", "/v1/tenants", ["name": "bench"])
        let token = try await api.call("POST", "/v1/join-tokens", ["kind": "gateway"])["token"]?.string ?? ""
        let follower = try await simulatedWorker("follower", token, controlPlane, stage)

        let stop = StopFlag()
        let start = ContinuousClock.now
        async let written = write(to: controlPlane, until: stop, seed: seed)
        async let followed: Void = Follower(worker: follower).run(until: stop)
        let starts: [Duration]
        do { starts = try await killAgainAndAgain(controlPlane, seed: seed) } catch {
            stop.set()
            throw error
        }
        stop.set()
        let (writers, _) = try await (written, followed)
        let elapsed = ContinuousClock.now - start

        var verdict = Verdict()
        for fault in writers.flatMap(\.faults) { verdict.add(fault) }
        let promised = writers.reduce(into: [:]) { $0.merge($1.promised) { $1 } }
        let after = try await controlPlane.connect()
        // One more write, whose revision every worker can be waited for.
        let last: JSON = ["endpoints": [["host": "127.0.0.1", "port": 9]]]
        let revision = try await after.call("PUT", "/v1/tenants/bench/services/last", last)["revision"]?.integer ?? 0
        try await verdict.check(promised, by: after)
        try await verdict.check(once: writers.reduce(into: [:]) { $0.merge($1.once) { $1 } }, by: after)
        let fresh = try await simulatedWorker("fresh", token, controlPlane, stage)
        let states = (
            try await Follower.state(of: follower, at: revision), try await Follower.state(of: fresh, at: revision)
        )
        if let one = states.0, let other = states.1 {
            if one.resources != other.resources { verdict.add("The worker that came back serves by another state.") }
            if other.resources.isEmpty { verdict.add("The fresh worker got nothing.") }
        } else {
            verdict.add("A worker never got revision \(revision).")
        }
        controlPlane.program.killHard()
        try verdict.check(database: controlPlane.database)
        try await verdict.check(folder: controlPlane.folder, on: stage)

        var report = Report("Chaos: \(kills) kills, \(self.writers) writers, seed \(seed)")
        report.add("time", unit: "s", elapsed.seconds)
        report.add("writes answered 2xx", unit: "1", Double(writers.map(\.answered).reduce(0, +)))
        report.add("requests without an answer", unit: "1", Double(writers.map(\.unanswered).reduce(0, +)))
        report.add("services at the end", unit: "1", Double(verdict.services))
        report.add("created once by key", unit: "1", Double(verdict.once))
        report.add("revisions at the end", unit: "1", Double(revision))
        report.add("start until ready", starts)
        report.add("faults found", unit: "1", Double(verdict.faults.count), .atMost(0))
        return (report, verdict)
    }

    private func simulatedWorker(
        _ name: String, _ token: String, _ controlPlane: ControlPlane, _ stage: Stage
    ) async throws -> SimulatedWorker {
        let connection = try await Connection.open(port: controlPlane.port, on: stage.loop)
        defer { connection.close() }
        let identity = try await controlPlane.join(name, with: token, by: connection)
        let worker = SimulatedWorker(
            identity, port: controlPlane.port, on: stage.loop, recent: FrameReader.Recent())
        try await worker.connect()
        return worker
    }

    private func write(to controlPlane: ControlPlane, until stop: StopFlag, seed: UInt64) async throws -> [Writer] {
        try await withThrowingTaskGroup { group in
            for number in 0..<writers {
                group.addTask {
                    var writer = Writer(number: number, limit: 200, seed: seed &+ UInt64(number) &+ 1)
                    try await writer.run(against: controlPlane, until: stop)
                    return writer
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// - Returns: how long each start took.
    private func killAgainAndAgain(_ controlPlane: ControlPlane, seed: UInt64) async throws -> [Duration] {
        var random = SeededGenerator(seed: seed)
        var starts: [Duration] = []
        for kill in 1...kills {
            try await Task.sleep(for: .microseconds(Int.random(in: 0..<120_000, using: &random)))
            controlPlane.program.killHard()
            // Most kills come amid writes, some within a start.
            if kill < kills, Int.random(in: 0..<5, using: &random) == 0 {
                try controlPlane.relaunch()
            } else {
                starts.append(try await controlPlane.restart())
            }
            if kill.isMultiple(of: 50) { say("\(kill) kills") }
        }
        return starts
    }
}
