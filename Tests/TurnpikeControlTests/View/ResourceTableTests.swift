// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct ResourceTableTests {
    private func resource(_ name: Int, id: UInt64, revision: Revision = 1) throws -> Resource {
        let body = try ResourceBody(["name": "r"], kind: .tenant, name: nil)
        let now = Timestamp(seconds: 1)
        return Resource(
            key: ResourceKey(.tenant, name: "r\(name)"), id: ResourceID(high: 7, low: id), labels: [:], spec: body.spec,
            revision: revision, createdAt: now, updatedAt: now)
    }

    @Test func `API keys are found by digest, and only while they are there`() throws {
        var random = SeededGenerator(seed: 3)
        var table = ResourceTable()
        var model: [Int: String] = [:]
        func digest(_ number: Int) -> KeyDigest { KeyDigest(words: (UInt64(number), 1, 2, 3)) }
        for step in 1...2000 {
            let name = Int.random(in: 0..<120, using: &random)
            if Int.random(in: 0..<3, using: &random) == 0 {
                table.remove(ResourceKey(.apiKey, tenant: "acme", name: "k\(name)"))
                model[name] = nil
            } else {
                let key = try Resource.fixture(
                    APIKey.self, tenant: "acme", "k\(name)", [:], id: UInt64(name) + 1
                ) { $0.digest = digest(step).hex }
                table.insert(key)
                model[name] = digest(step).hex
            }
        }
        var found: [Int: String] = [:]
        for step in 1...2000 {
            guard let key = table[apiKey: digest(step)] else { continue }
            found[try #require(Int(key.key.name.dropFirst()))] = digest(step).hex
        }
        #expect(found == model)
    }

    @Test(arguments: [0, 1, 3000, 5000])
    func `what is loaded is found as what is put in, whatever room was made`(reserved: Int) throws {
        var table = ResourceTable()
        table.insert(try resource(0, id: 1))
        table.reserve(reserved)
        for name in 1..<3000 {
            table.load(
                try Resource.fixture(APIKey.self, tenant: "acme", "k\(name)", [:], id: UInt64(name) + 1) {
                    $0.digest = KeyDigest(words: (UInt64(name), 1, 2, 3)).hex
                })
        }
        #expect(table.count == 3000)
        #expect(table[ResourceKey(.tenant, name: "r0")]?.id.low == 1)
        for name in 1..<3000 {
            let key = ResourceKey(.apiKey, tenant: "acme", name: "k\(name)")
            let id = try #require(table[key]?.id)
            #expect(table[id]?.key == key)
            #expect(table[apiKey: KeyDigest(words: (UInt64(name), 1, 2, 3))]?.key == key)
        }
        #expect(table[ResourceKey(.route, tenant: "acme", name: "k1")] == nil)
    }

    /// Whatever comes and goes, the table has what a dictionary would have.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func `it holds what was put in and not taken out, by key and by id`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var table = ResourceTable()
        var model: [Int: (id: UInt64, revision: Revision)] = [:]
        for step in 1...2000 as ClosedRange<Revision> {
            let name = Int.random(in: 0..<120, using: &random)
            if Int.random(in: 0..<3, using: &random) == 0 {
                let taken = table.remove(ResourceKey(.tenant, name: "r\(name)"))
                #expect(taken?.id.low == model.removeValue(forKey: name)?.id)
            } else {
                // Sometimes it is another resource of the same name.
                let id = model[name].map { step % 5 == 0 ? UInt64(step) + 1000 : $0.id } ?? UInt64(step) + 1000
                table.insert(try resource(name, id: id, revision: step))
                model[name] = (id, step)
            }
            #expect(table.count == model.count)
        }
        for name in 0..<120 {
            #expect(table[ResourceKey(.tenant, name: "r\(name)")]?.revision == model[name]?.revision, "seed \(seed)")
        }
        for (id, revision) in model.values { #expect(table[ResourceID(high: 7, low: id)]?.revision == revision) }
        #expect(table[ResourceID(high: 7, low: 1)] == nil)
    }
}
