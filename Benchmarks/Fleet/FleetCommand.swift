// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOCore
import TurnpikeModel

/// How long it takes until a whole fleet has taken a change.
struct FleetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet", abstract: "From a write to the last acknowledgement of many simulated workers."
    )

    @Option(help: "Simulated workers, each with a stream and a connection for acknowledgements.")
    var workers = 1000

    @Option(help: "How many writes are measured, one after the other.")
    var count = 50

    @Option(name: .shortAndLong, help: "text or json.")
    var output = OutputFormat.text

    func validate() throws {
        guard workers > 0, count > 0 else { throw ValidationError("There must be workers and a count.") }
    }

    func run() async throws {
        try await Stage.with { try await measure(on: $0) }.print(as: output)
    }

    private func measure(on stage: Stage) async throws -> Report {
        let controlPlane = try await ControlPlane.start(on: stage)
        let api = try await controlPlane.connect()
        try await api.call("POST", "/v1/tenants", ["name": "bench"])
        for number in 0..<10 { try await api.call("PUT", target(number), service(0)) }

        let rollout = RolloutCount(of: workers, on: stage.loop)
        try await gather(controlPlane, api, stage, rollout)
        let idle = controlPlane.program.memoryMiB()

        var answered: [Duration] = []
        var acknowledged: [Duration] = []
        var used: [Double] = []
        // A write that all must take, to learn the newest revision; its rollout also warms up.
        let first =
            try await api.call("PUT", target(0) + "?wait=applied", service(1))["revision"]?
            .integer ?? 0
        for number in 0..<count {
            let revision = first + Int64(number) + 1
            async let last = rollout.completion(of: revision)
            try await stage.loop.submit {}.get()  // The count has begun.
            let usedBefore = controlPlane.program.processorTime
            let start = ContinuousClock.now
            let answer = try await api.call(
                "PUT", target(number % 10) + "?wait=applied&timeout=60s", service(number + 2))
            answered.append(ContinuousClock.now - start)
            guard answer["revision"]?.integer == revision, answer["rollout"]?["state"]?.string == "complete" else {
                throw API.Refused(what: "write \(number)", status: 200, text: answer.text)
            }
            acknowledged.append(await last - start)
            used.append((controlPlane.program.processorTime - usedBefore).milliseconds)
        }
        var report = Report("Fleet: \(workers) simulated workers, \(count) changes of a service, one after the other")
        report.add("last acknowledgement answered", acknowledged, .atMost(250))
        report.add("write with wait=applied answered", answered, .atMost(250))
        report.add("processor time of the control plane a write", unit: "ms", Spread(used))
        report.add("memory of the control plane", unit: "MiB", idle)
        return report
    }

    /// Takes the workers in, and waits until all of them have what is there.
    private func gather(
        _ controlPlane: ControlPlane, _ api: API, _ stage: Stage, _ rollout: RolloutCount
    ) async throws {
        let token = try await api.call("POST", "/v1/join-tokens", ["kind": "gateway"])["token"]?.string ?? ""
        let start = ContinuousClock.now
        let recent = FrameReader.Recent()
        let connection = try await Connection.open(port: controlPlane.port, on: stage.loop)
        for number in 0..<workers {
            let identity = try await controlPlane.join("worker-\(number)", with: token, by: connection)
            let worker = SimulatedWorker(identity, port: controlPlane.port, on: stage.loop, recent: recent) {
                rollout.take($0)
            }
            try await worker.connect()
        }
        say("\(workers) workers have joined in \(start.duration(to: .now).seconds) s")
    }

    private func target(_ number: Int) -> String { "/v1/tenants/bench/services/s\(number)" }

    private func service(_ generation: Int) -> JSON {
        ["endpoints": [["host": "127.0.0.1", "port": .integer(Int64(1024 + generation % 60_000))]]]
    }
}
