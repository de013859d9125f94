// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

@Suite struct LeastRequestTests {
    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `without any load each endpoint gets the share of its weight`(seed: UInt64) {
        var random = RandomSource(seed: seed)
        let weights = [1, 2, 5, 0, 8]
        var counts = Array(repeating: 0, count: weights.count)
        for _ in 0..<16_000 {
            LeastRequest.choose(among: weights.count, weight: { weights[$0] }, load: { _ in 0 }, random: &random)
                .map { counts[$0] += 1 }
        }
        for (count, weight) in zip(counts, weights) {
            #expect(abs(count - 1000 * weight) <= 300, "seed \(seed): \(counts)")
        }
    }

    /// Requests that take different times, as a queue would see them: drawn at random they pile up; by two choices they do not.
    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `load stays far more even than by chance`(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        func worst(_ choose: (_ loads: [Int], _ random: inout RandomSource) -> Int?) throws -> Int {
            var loads = Array(repeating: 0, count: 50)
            var running: [(end: Int, place: Int)] = []
            var worst = 0
            for time in 0..<20_000 {
                for request in running where request.end <= time { loads[request.place] -= 1 }
                running.removeAll { $0.end <= time }
                let place = try #require(choose(loads, &random))
                loads[place] += 1
                running.append((time + Int.random(in: 50...350, using: &random), place))
                worst = max(worst, loads[place])
            }
            return worst
        }
        let byTwo = try worst { loads, random in
            LeastRequest.choose(among: 50, weight: { _ in 1 }, load: { loads[$0] }, random: &random)
        }
        let byChance = try worst { _, random in Int.random(in: 0..<50, using: &random) }
        // 200 in flight, 4 each.
        #expect(byTwo <= 8 && byChance >= 12, "seed \(seed): \(byTwo) against \(byChance)")
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `under load an endpoint has as much to do as its weight says`(seed: UInt64) {
        var random = RandomSource(seed: seed)
        let weights = [1, 3]
        var loads = [0, 0]
        for _ in 0..<4000 {
            LeastRequest.choose(among: 2, weight: { weights[$0] }, load: { loads[$0] }, random: &random)
                .map { loads[$0] += 1 }
        }
        #expect(abs(loads[0] - 1000) <= 5, "seed \(seed): \(loads)")
    }

    @Test func `one that cannot be taken never is, and nobody is nobody`() {
        var random = RandomSource(seed: 3)
        for _ in 0..<100 {
            #expect(LeastRequest.choose(among: 3, weight: { $0 == 1 ? 1 : 0 }, load: { _ in 9 }, random: &random) == 1)
        }
        #expect(LeastRequest.choose(among: 3, weight: { _ in 0 }, load: { _ in 0 }, random: &random) == nil)
        #expect(LeastRequest.choose(among: 0, weight: { _ in 1 }, load: { _ in 0 }, random: &random) == nil)
    }
}
