// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What reading costs where very much is there.
struct ReadCost {
    var lists: [Duration] = []
    var reads: [Duration] = []

    static func measure(tenants: Int, keysEach: Int, by api: API) async throws -> ReadCost {
        var cost = ReadCost()
        for number in 0..<500 {
            let tenant = Population.tenant(number * 7 % tenants)
            let start = ContinuousClock.now
            _ = try await accept(api.send("GET", "/v1/tenants/\(tenant)/api-keys?limit=100"))
            cost.lists.append(ContinuousClock.now - start)
            let second = ContinuousClock.now
            _ = try await accept(api.send("GET", "/v1/tenants/\(tenant)/api-keys/k\(number * 31 % max(1, keysEach))"))
            cost.reads.append(ContinuousClock.now - second)
        }
        return cost
    }

    private static func accept(_ answer: Answer) throws -> Answer {
        guard answer.status == 200 else {
            throw API.Refused(what: "a read", status: answer.status, text: String(buffer: answer.body))
        }
        return answer
    }
}
