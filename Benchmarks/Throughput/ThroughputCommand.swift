// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import NIOCore
import TurnpikeModel

/// How many reads and durable writes a second the REST API answers, and how the writes compare with SQLite alone.
struct ThroughputCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "throughput", abstract: "Reads and durable writes a second, beside raw SQLite."
    )

    @Option(help: "Kept-alive connections, each with one request at a time.")
    var clients = 32

    @Option(help: "How long reads, and then writes, are sent.")
    var seconds = 5

    @Option(help: "How many services are read and written.")
    var services = 1000

    @Flag(help: "Only the writes without HTTP.")
    var withoutHTTP = false

    @Option(name: .shortAndLong, help: "text or json.")
    var output = OutputFormat.text

    func validate() throws {
        guard clients > 0, seconds > 0, services >= clients else {
            throw ValidationError("There must be clients, seconds, and at least as many services as clients.")
        }
    }

    func run() async throws {
        try await Stage.with { try await measure(on: $0) }.print(as: output)
    }

    private func measure(on stage: Stage) async throws -> Report {
        var report = Report("Throughput: \(clients) clients, \(services) services, \(seconds) s each")
        if !withoutHTTP { try await measureWithHTTP(on: stage, &report) }
        let inner = try await writeWithin(stage)
        report.add("durable writes without HTTP, in rounds", unit: "1/s", Spread(inner.perSecond))
        report.add("processor time of a write and its caller", unit: "ms", Spread(inner.processorTime))
        report.add("raw SQLite, the same rows, as many writes a transaction", unit: "1/s", Spread(inner.rawPerSecond))
        report.add("writes without HTTP to raw", unit: "x", Spread(inner.toRaw), .atLeast(0.5))
        return report
    }

    private func measureWithHTTP(on stage: Stage, _ report: inout Report) async throws {
        let controlPlane = try await ControlPlane.start(on: stage)
        let api = try await controlPlane.connect()
        try await api.call("POST", "/v1/apply", bundle, keepsBody: false)
        var clients: [Connection] = []
        for _ in 0..<self.clients { clients.append(try await Connection.open(port: controlPlane.port, on: stage.loop)) }
        let (clientCount, services, token) = (self.clients, self.services, controlPlane.token)

        let reads = Load(clients, expecting: 200) { client, number in
            let service = (client + number * clientCount) % services
            return RequestText.make("GET", "/v1/tenants/bench/services/s\(service)", token: token)
        }
        // No two clients write the same service, and no write says what the service is already.
        let writes = Load(clients, expecting: 200) { client, number in
            let service = (client + number * clientCount) % (services - services % clientCount)
            let body = #"{"endpoints":[{"host":"127.0.0.1","port":9001}],"labels":{"count":"\#(number)"}}"#
            return RequestText.make(
                "PUT", "/v1/tenants/bench/services/s\(service)", token: token, bytes: Array(body.utf8))
        }
        _ = try await reads.run(for: .seconds(1))
        let read = try await reads.run(for: .seconds(seconds))
        let write = try await writeInRounds(writes, on: controlPlane, stage)
        report.add("reads by name", unit: "1/s", read.perSecond, .atLeast(20_000))
        report.add("read answered", read.latencies)
        report.add("durable writes, in rounds", unit: "1/s", Spread(write.perSecond), .atLeast(5_000))
        report.add("write answered", write.latencies)
        report.add("processor time of the control plane a write", unit: "ms", Spread(write.processorTime))
        report.add("writes that shared a transaction", unit: "1", Spread(write.groups))
        report.add("raw SQLite, the same rows, 32 writes a transaction", unit: "1/s", Spread(write.rawPerSecond))
        report.add("writes to raw", unit: "x", Spread(write.toRaw))
    }

    private struct Written {
        var latencies: [Duration] = []
        var perSecond: [Double] = []
        var rawPerSecond: [Double] = []
        var toRaw: [Double] = []
        /// Milliseconds a write.
        var processorTime: [Double] = []
        /// Writes that shared one transaction, on average over a round.
        var groups: [Double] = []
    }

    /// Writes by the control plane and by SQLite alone in turn, since a shared disk is not equally fast at all times.
    private func writeInRounds(
        _ writes: Load, on controlPlane: ControlPlane, _ stage: Stage
    ) async throws -> Written {
        let api = try await controlPlane.connect()
        let last: JSON = ["endpoints": [["host": "127.0.0.1", "port": 9002]]]
        var written = Written()
        let rounds = 5
        _ = try await writes.run(for: .milliseconds(500))
        for round in 1...rounds {
            let revision = try await api.call("PUT", "/v1/tenants/bench/services/s0", last)["revision"]?.integer ?? 0
            let usedBefore = controlPlane.program.processorTime
            let groupsBefore = try await commits(by: api)
            let outcome = try await writes.run(for: .milliseconds(1000 * seconds / rounds))
            let used = controlPlane.program.processorTime - usedBefore
            let raw = try RawWrites(from: controlPlane.database, after: revision)
            let rawPerSecond = try raw.measure(into: "\(stage.folder)/raw-\(round).sqlite", batch: 32)
            let groups = try await commits(by: api)
            written.groups.append((groups.writes - groupsBefore.writes) / max(1, groups.count - groupsBefore.count))
            written.latencies += outcome.latencies
            written.perSecond.append(outcome.perSecond)
            written.rawPerSecond.append(rawPerSecond)
            written.toRaw.append(outcome.perSecond / rawPerSecond)
            written.processorTime.append(used.milliseconds / Double(max(1, raw.count)))
            say("round \(round) of \(rounds): \(raw.count) writes")
        }
        return written
    }

    private func writeWithin(_ stage: Stage) async throws -> Written {
        let inner = try await InnerWrites(in: stage.folder + "/inner", services: services)
        var written = Written()
        let rounds = 5
        _ = try await inner.measure(writers: clients, for: .milliseconds(500))
        for round in 1...rounds {
            let outcome = try await inner.measure(writers: clients, for: .milliseconds(1000 * seconds / rounds))
            let raw = try RawWrites(from: stage.folder + "/inner/turnpike.sqlite", after: outcome.since)
            let rawPerSecond = try raw.measure(into: "\(stage.folder)/inner-raw-\(round).sqlite", batch: 32)
            written.perSecond.append(outcome.perSecond)
            written.rawPerSecond.append(rawPerSecond)
            written.toRaw.append(outcome.perSecond / rawPerSecond)
            written.processorTime.append(outcome.processorTime.milliseconds / Double(max(1, raw.count)))
            say("round \(round) of \(rounds) without HTTP: \(raw.count) writes")
        }
        try await inner.close()
        return written
    }

    /// What the control plane's own metrics say of its transactions so far.
    private func commits(by api: API) async throws -> (count: Double, writes: Double) {
        let text = String(buffer: try await api.send("GET", "/metrics").body)
        func value(_ name: String) -> Double {
            let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
            return line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
        }
        return (value("turnpike_commit_batch_size_count"), value("turnpike_commit_batch_size_sum"))
    }

    private var bundle: JSON {
        var resources: [JSON] = [["kind": "tenant", "name": "bench", "spec": .object(JSONObject())]]
        for number in 0..<services {
            resources.append([
                "kind": "service", "tenant": "bench", "name": .string("s\(number)"),
                "spec": ["endpoints": [["host": "127.0.0.1", "port": 9001]]],
            ])
        }
        return ["resources": .array(resources)]
    }
}
