// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

@Suite struct MaglevTableTests {
    private func addresses(_ count: Int, from first: Int = 0) -> [EndpointAddress] {
        (first..<first + count).map { EndpointAddress(host: "10.0.\($0 / 200).\($0 % 200)", port: 8080) }
    }

    /// Entries by place.
    private func entries(_ table: MaglevTable, _ count: Int) -> [Int] {
        (0..<MaglevTable.size).reduce(into: Array(repeating: 0, count: count)) { counts, entry in
            table.place(of: UInt64(entry)) { _ in true }.map { counts[$0] += 1 }
        }
    }

    @Test(arguments: [1, 2, 3, 10, 50, 256])
    func `equal endpoints have equally many entries, but for one`(count: Int) throws {
        let counts = entries(MaglevTable(addresses(count), weights: Array(repeating: 5, count: count)), count)
        #expect(counts.reduce(0, +) == MaglevTable.size)
        #expect(try #require(counts.max()) - (try #require(counts.min())) <= 1)
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `each endpoint has the entries that its weight is due, but for three`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let weights = (0..<Int.random(in: 2...20, using: &random)).map { _ in Int.random(in: 0...10, using: &random) }
        let total = weights.reduce(0, +)
        let counts = entries(MaglevTable(addresses(weights.count), weights: weights), weights.count)
        for (count, weight) in zip(counts, weights) where total > 0 {
            let due = Double(MaglevTable.size * weight) / Double(total)
            #expect(abs(Double(count) - due) <= 3, "seed \(seed)")
        }
    }

    @Test func `the order in which endpoints are listed changes nothing`() {
        let listed = addresses(20)
        let weights = (1...20).map { $0 % 4 + 1 }
        let table = MaglevTable(listed, weights: weights)
        let reversed = MaglevTable(listed.reversed(), weights: weights.reversed())
        let hashes = 0..<UInt64(MaglevTable.size)
        let places = hashes.map { table.place(of: $0) { _ in true } }
        #expect(places == hashes.map { reversed.place(of: $0) { _ in true }.map { 19 - $0 } })
    }

    @Test(arguments: [2, 5, 10, 50, 100])
    func `when an endpoint is taken out, fewer than two in a hundred others move`(count: Int) {
        let weights = Array(repeating: 1, count: count)
        let whole = MaglevTable(addresses(count), weights: weights)
        let fewer = MaglevTable(addresses(count - 1), weights: Array(weights.dropLast()))
        var moved = 0
        for hash in 0..<UInt64(MaglevTable.size) {
            let before = whole.place(of: hash) { _ in true }
            if before != count - 1, before != fewer.place(of: hash, where: { _ in true }) { moved += 1 }
        }
        #expect(Double(moved) / Double(MaglevTable.size) < 0.02, "\(moved) of \(MaglevTable.size)")
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `requests of an endpoint that is out spread over the others, and no other moves`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let count = 10
        let table = MaglevTable(addresses(count), weights: Array(repeating: 1, count: count))
        let out = Int.random(in: 0..<count, using: &random)
        var taken = Array(repeating: 0, count: count)
        var moved = 0
        for hash in 0..<UInt64(MaglevTable.size) {
            guard let now = table.place(of: hash, where: { $0 != out }) else { continue }
            let before = table.place(of: hash) { _ in true }
            if before == out { taken[now] += 1 } else if before != now { moved += 1 }
        }
        #expect(moved == 0 && taken.reduce(0, +) > 0, "seed \(seed)")
        let share = MaglevTable.size / count / (count - 1)
        for place in 0..<count where place != out {
            #expect((share / 4...share * 2).contains(taken[place]), "seed \(seed): \(taken)")
        }
    }

    @Test func `with nobody to take there is none`() {
        #expect(MaglevTable([], weights: []).place(of: 7) { _ in true } == nil)
        #expect(MaglevTable(addresses(2), weights: [0, 0]).place(of: 7) { _ in true } == nil)
        #expect(MaglevTable(addresses(2), weights: [1, 1]).place(of: 7) { _ in false } == nil)
    }
}
