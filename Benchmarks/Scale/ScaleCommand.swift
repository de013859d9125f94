// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOCore
import TurnpikeModel

/// What a change, a read, memory and a start cost where very much is configured.
struct ScaleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale", abstract: "Costs with many tenants, routes and keys, beside those with few."
    )

    @Option var tenants = 1000
    @Option(help: "Over all tenants.")
    var routes = 10_000
    @Option(help: "Over all tenants.")
    var keys = 1_000_000

    @Option(help: "How many changes are measured, few and many being there.")
    var count = 30

    @Option(help: "Items of one bundle, at most.")
    var items = 100_000

    @Option(name: .shortAndLong, help: "text or json.")
    var output = OutputFormat.text

    func validate() throws {
        guard tenants > 0, routes >= tenants, keys >= 0, count > 0, (1...200_000).contains(items) else {
            throw ValidationError("There must be tenants with a route each, a count, and 1 to 200,000 items.")
        }
    }

    func run() async throws {
        try await Stage.with { try await measure(on: $0) }.print(as: output)
    }

    private func measure(on stage: Stage) async throws -> Report {
        let controlPlane = try await ControlPlane.start(on: stage)
        let api = try await controlPlane.connect()
        let few = Population(tenants: 1, routes: 10, keys: 10)
        try await load(few, by: api)
        let smallAlone = try await ChangeCost.measureWriting(count, of: Population.tenant(0), by: api)
        let gateway = try await Gateway.start(joining: controlPlane, on: stage)
        let token = try await api.call("POST", "/v1/join-tokens", ["kind": "gateway"])["token"]?.string ?? ""
        let identity = try await controlPlane.join("simulated", with: token, by: api.connection)
        let worker = SimulatedWorker(
            identity, port: controlPlane.port, on: stage.loop, memory: .revision, recent: FrameReader.Recent())
        try await worker.connect()
        _ = try await ChangeCost.measure(5, of: Population.tenant(0), by: api, seenBy: worker)
        let small = try await ChangeCost.measure(count, of: Population.tenant(0), by: api, seenBy: worker)
        say("With few resources: measured.")

        let many = Population(tenants: tenants, routes: routes, keys: keys)
        let loading = try await load(many, by: api)
        let start = ContinuousClock.now
        _ = try await ChangeCost.measure(1, of: Population.tenant(0), by: api, seenBy: worker)
        let caughtUp = ContinuousClock.now - start
        let large = try await ChangeCost.measure(count, of: Population.tenant(0), by: api, seenBy: worker)
        let reading = try await ReadCost.measure(tenants: tenants, keysEach: many.keysEach, by: api)
        let memory = [controlPlane.program, gateway.program].map { ($0.memoryMiB(), $0.memoryMiB("VmHWM")) }
        say("With many resources: measured.")

        gateway.program.killHard()
        let largeAlone = try await ChangeCost.measureWriting(count, of: Population.tenant(0), by: api)
        var starts: [Duration] = []
        for _ in 0..<3 {
            controlPlane.program.killHard()
            starts.append(try await controlPlane.restart())
        }
        let afterStart = controlPlane.program.memoryMiB()
        // Last, for its tenant is no part of what the memory is measured with.
        let lists = try await ListCost.measure(
            tenant: Population.tenant(1 % tenants), count: many.keysEach, by: controlPlane.connect())

        var report = Report("Scale: \(tenants) tenants, \(routes) routes, \(keys) keys, beside 1 tenant with 10 and 10")
        report.add("loading \(many.resources) resources", unit: "s", loading.seconds)
        report.add("until the gateway served by them, after that", unit: "s", caughtUp.seconds)
        report.add("few: change written, no gateway", smallAlone)
        report.add("many: change written, no gateway", largeAlone)
        report.add("few: change written", small.written)
        report.add("many: change written", large.written)
        report.add("few: change applied", small.applied)
        report.add("many: change applied", large.applied)
        report.add("few: change on a stream", unit: "bytes", Spread(small.bytes))
        report.add("many: change on a stream", unit: "bytes", Spread(large.bytes))
        func ratio(_ many: [Duration], _ few: [Duration]) -> Double {
            Spread(milliseconds: many).median / Spread(milliseconds: few).median
        }
        report.add("written, no gateway, many to few (medians)", unit: "x", ratio(largeAlone, smallAlone), .atMost(2))
        report.add("written, many to few (medians)", unit: "x", ratio(large.written, small.written), .atMost(2))
        report.add("applied, many to few (medians)", unit: "x", ratio(large.applied, small.applied), .atMost(2))
        report.add("list of 100 keys", reading.lists, .atMost(10))
        for question in lists { report.add(question.what, question.pages, .atMost(10)) }
        report.add("read by name", reading.reads)
        report.add("control plane's memory", unit: "MiB", memory[0].0, .atMost(1024))
        report.add("control plane's memory at most", unit: "MiB", memory[0].1)
        report.add("control plane's memory after a start", unit: "MiB", afterStart, .atMost(1024))
        report.add("gateway's memory", unit: "MiB", memory[1].0, .atMost(200))
        report.add("gateway's memory at most", unit: "MiB", memory[1].1)
        report.add("cold start until ready", starts, .atMost(10_000))
        return report
    }

    @discardableResult
    private func load(_ population: Population, by api: API) async throws -> Duration {
        let start = ContinuousClock.now
        for tenants in population.bundles(items: items) {
            let bytes = population.bundle(of: tenants)
            let request = RequestText.make("POST", "/v1/apply", token: api.token, bytes: bytes)
            let begin = ContinuousClock.now
            let answer = try await api.connection.exchange(request, keepsBody: false)
            guard answer.status == 200 else {
                throw API.Refused(what: "a bundle", status: answer.status, text: "\(bytes.count) bytes")
            }
            let time = begin.duration(to: .now)
            if population.resources > items { say("Tenants \(tenants): \(bytes.count >> 20) MiB in \(time.seconds) s") }
        }
        return ContinuousClock.now - start
    }
}
