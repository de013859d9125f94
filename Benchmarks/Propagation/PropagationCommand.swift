// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOCore
import TurnpikeModel

/// How long it takes from a write until a real gateway serves by it.
struct PropagationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "propagation", abstract: "From a write to its enforcement at one gateway."
    )

    @Option(help: "How many routes are written, one after the other.")
    var count = 500

    @Option(name: .shortAndLong, help: "text or json.")
    var output = OutputFormat.text

    func validate() throws {
        guard count > 0 else { throw ValidationError("There must be a count.") }
    }

    func run() async throws {
        try await Stage.with { try await measure(on: $0) }.print(as: output)
    }

    private func measure(on stage: Stage) async throws -> Report {
        let controlPlane = try await ControlPlane.start(on: stage)
        let api = try await controlPlane.connect()
        try await api.call("POST", "/v1/tenants", ["name": "bench"])
        let endpoint: JSON = ["endpoints": [["host": "127.0.0.1", "port": 9]]]
        try await api.call("PUT", "/v1/tenants/bench/services/nowhere", endpoint)
        let gateway = try await Gateway.start(joining: controlPlane, on: stage)
        let partner = try await Connection.open(port: gateway.port, on: stage.loop)

        var answered: [Duration] = []
        var enforced: [Duration] = []
        let warmUp = min(20, count)
        for number in 0..<(count + warmUp) {
            let time = try await write(number, by: api, seenBy: partner)
            guard number >= warmUp else { continue }
            answered.append(time.answered)
            enforced.append(time.enforced)
        }
        var report = Report("Propagation: \(count) new routes, one after the other, one gateway")
        report.add("write with wait=applied answered", answered, .atMost(10))
        report.add("enforced at the gateway", enforced, .atMost(10))
        return report
    }

    /// Writes a route that asks for a key: its path is answered 404 before, and 401 from then on.
    private func write(
        _ number: Int, by api: API, seenBy partner: Connection
    ) async throws -> (answered: Duration, enforced: Duration) {
        let route: JSON = [
            "match": ["hosts": ["api.bench.test"], "paths": [["exact": .string("/p/\(number)")]]],
            "auth": ["anyOf": [["apiKey": .object(JSONObject())]]], "backends": [["service": "nowhere"]],
        ]
        let probe = RequestText.make("GET", "/p/\(number)", host: "api.bench.test")
        guard try await partner.exchange(probe).status == 404 else {
            throw API.Refused(what: "a path without a route", status: 0, text: "expected 404")
        }
        let start = ContinuousClock.now
        async let seen = Poll.until(partner, asking: probe) { $0 != 404 }
        let answer = try await api.call("PUT", "/v1/tenants/bench/routes/r\(number)?wait=applied&timeout=10s", route)
        let answered = ContinuousClock.now - start
        guard answer["rollout"]?["state"]?.string == "complete" else {
            throw API.Refused(what: "the write of route r\(number)", status: 200, text: answer.text)
        }
        return (answered, try await seen - start)
    }
}
