// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeModel

/// What one changed route costs, whatever else is there.
struct ChangeCost {
    /// Until the write is durable, and answered.
    var written: [Duration] = []
    /// Until a real gateway serves by it, and the simulated worker has it.
    var applied: [Duration] = []
    /// Bytes on the simulated worker's stream for each change.
    var bytes: [Double] = []

    /// - Parameter worker: a simulated one that follows the stream.
    static func measure(
        _ count: Int, of tenant: String, by api: API, seenBy worker: SimulatedWorker
    ) async throws -> Self {
        var cost = ChangeCost()
        for number in 0..<count {
            let path = "/v1/tenants/\(tenant)/routes/r0"
            let start = ContinuousClock.now
            let plain = try await put(path, Population.route(0, of: tenant, path: "plain-\(number)"), by: api)
            cost.written.append(ContinuousClock.now - start)
            try await api.settle(plain["revision"]?.integer ?? 0)

            let before = try await worker.look().received
            let second = ContinuousClock.now
            let text = Population.route(0, of: tenant, path: "waited-\(number)")
            let answer = try await put(path + "?wait=applied&timeout=60s", text, by: api)
            cost.applied.append(ContinuousClock.now - second)
            guard answer["rollout"]?["state"]?.string == "complete" else {
                throw API.Refused(what: "the change of a route", status: 200, text: answer.text)
            }
            cost.bytes.append(Double(try await worker.look().received - before))
        }
        return cost
    }

    /// What the write alone costs.
    static func measureWriting(_ count: Int, of tenant: String, by api: API) async throws -> [Duration] {
        var written: [Duration] = []
        for number in 0..<(count + 5) {
            let text = Population.route(0, of: tenant, path: "alone-\(number)")
            let start = ContinuousClock.now
            try await put("/v1/tenants/\(tenant)/routes/r0", text, by: api)
            if number >= 5 { written.append(ContinuousClock.now - start) }
        }
        return written
    }

    @discardableResult
    private static func put(_ path: String, _ text: String, by api: API) async throws -> JSON {
        try await api.call("PUT", path, JSON.parse(text))
    }
}

extension API {
    /// Returns once every connected worker serves by a revision.
    func settle(_ revision: Revision) async throws {
        var rollout = JSON.null
        for _ in 0..<15 {
            rollout = try await call("GET", "/v1/revisions/\(revision)/rollout?wait=applied&timeout=60s")
            if rollout["state"]?.string == "complete" { return }
            say("Still waiting for the workers: \(rollout.text.prefix(400))")
        }
        throw Refused(what: "the rollout of revision \(revision)", status: 200, text: rollout.text)
    }
}
