// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOCore
import NIOPosix
import TurnpikeModel

/// What a small tenant's writes cost while a large one does whatever takes most effort.
struct IsolationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "isolation", abstract: "A small tenant's writes, beside a large tenant's heaviest operations."
    )

    @Option(help: "Of the large tenant.")
    var routes = 100_000

    @Option(help: "Seconds that each operation goes on.")
    var seconds = 5

    @Option(help: "Only operations with this in their name.")
    var only: String?

    @Flag(inversion: .prefixedNo, help: "Whether a gateway serves all of it.")
    var gateway = true

    @Option(name: .shortAndLong, help: "text or json.")
    var output = OutputFormat.text

    func validate() throws {
        guard (1000...150_000).contains(routes), seconds > 0 else {
            throw ValidationError("There must be 1,000 to 150,000 routes, and a second for each operation.")
        }
    }

    func run() async throws {
        try await Stage.with { try await measure(on: $0) }.print(as: output)
    }

    private static let large = "large"
    private static let small = "t0"
    private static let path = "/v1/tenants/\(small)/routes/r0"

    private func measure(on stage: Stage) async throws -> Report {
        let controlPlane = try await ControlPlane.start(on: stage)
        let api = try await controlPlane.connect()
        try await load(Population(tenants: 1, routes: 10, keys: 0).bundle(of: 0..<1), by: api)
        try await load(Population(tenants: 1, routes: routes, keys: 0).bundle(named: [Self.large]), by: api)
        let worker = gateway ? try await Gateway.start(joining: controlPlane, on: stage) : nil
        say("\(routes) routes are there.")

        let clients = try await connect(32, to: controlPlane)
        var report = Report("Isolation: a tenant with 10 routes beside one with \(routes)")
        let quiet = try await measureWrites(by: api)
        report.add("nobody else: written", quiet.written)
        if gateway { report.add("nobody else: applied", quiet.applied) }
        for disturbance in Disturbance.all(of: Self.large, routes: routes)
        where only.map({ disturbance.name.contains($0) }) ?? true {
            async let count = disturbance.run(by: clients, for: .seconds(seconds))
            let cost = try await measureWrites(by: api)
            let number = try await count
            let last = try await api.call("PUT", Self.path, JSON.parse(Population.route(0, of: Self.small)))
            // What one leaves behind is not the next one's doing.
            if gateway { try await api.settle(last["revision"]?.integer ?? 0) }
            say("\(disturbance.name): \(number) in \(seconds) s.")
            report.add("\(disturbance.name): written", cost.written, .atMost(Self.longest))
            if gateway { report.add("\(disturbance.name): applied", cost.applied) }
        }
        if let program = worker?.program, !program.isRunning {
            throw Program.Ended(name: program.name, output: program.output)
        }
        return report
    }

    /// On a loop of their own, so that the answers which they get keep those waiting for nothing that are measured.
    private func connect(_ count: Int, to controlPlane: ControlPlane) async throws -> [API] {
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        var clients: [API] = []
        for _ in 0..<count { clients.append(try await controlPlane.connect(on: loop)) }
        return clients
    }

    /// Milliseconds that a small tenant's write may take, whatever the large one does.
    private static let longest = 20.0

    /// One write after the other, every second one waiting for the gateway.
    private func measureWrites(by api: API) async throws -> (written: [Duration], applied: [Duration]) {
        var (written, applied): ([Duration], [Duration]) = ([], [])
        let end = ContinuousClock.now + .seconds(seconds)
        var number = 0
        while ContinuousClock.now < end {
            let route = Population.route(0, of: Self.small, path: "\(number)-\(written.count)")
            let start = ContinuousClock.now
            try await api.call("PUT", Self.path, JSON.parse(route))
            written.append(ContinuousClock.now - start)
            number += 1
            if gateway, number % 10 == 0 {
                let waited = Population.route(0, of: Self.small, path: "waited-\(number)")
                let second = ContinuousClock.now
                try await api.call("PUT", Self.path + "?wait=applied&timeout=10s", JSON.parse(waited))
                applied.append(ContinuousClock.now - second)
            }
            try await Task.sleep(for: .milliseconds(2))
        }
        return (written, applied)
    }

    private func load(_ bundle: [UInt8], by api: API) async throws {
        let request = RequestText.make("POST", "/v1/apply", token: api.token, bytes: bundle)
        let answer = try await api.connection.exchange(request, keepsBody: false)
        guard answer.status == 200 else {
            throw API.Refused(what: "a bundle", status: answer.status, text: "\(bundle.count) bytes")
        }
    }
}
