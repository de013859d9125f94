// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeTestSupport

@testable import TurnpikeWorker

@Suite struct JournalIndexTests {
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `an index finds what a dictionary finds, whatever comes and goes`(seed: UInt64) async throws {
        try await withTemporaryDirectory { path in
            let slotCount = 3000
            let header = JournalHeader(worker: .zero, epoch: 1, segment: 0, slotCount: slotCount)
            let segment = try JournalSegment(creating: path + "/0.usage", header)
            var random = RandomSource(seed: seed)
            var index = JournalIndex(seed: seed)
            var known: [JournalKey: Int] = [:]
            var free = Array(0..<slotCount)

            for step in 0..<20_000 {
                // Few enough that most are met again, more than half of the slots so that the table grows.
                let key = JournalKey(series(random.next() % 2500))
                let found = index.find(key) { segment.slot($0) }
                try #require(found == known[key], "seed \(seed), step \(step)")
                if let found, random.next() % 3 == 0 {
                    index.remove(key, found)
                    segment.slot(found).clear()
                    free.append(found)
                    known[key] = nil
                } else if found == nil, let number = free.popLast() {
                    segment.slot(number).publish(key, .zero)
                    index.insert(key, number)
                    known[key] = number
                }
            }
            #expect(index.count == known.count)
            for (key, number) in known { #expect(index.find(key) { segment.slot($0) } == number) }
        }
    }

    private func series(_ number: UInt64) -> SeriesKey {
        SeriesKey(
            tenant: .zero, apiKey: ResourceID(high: 0, low: number), route: .zero, statusClass: 2, minute: 100)
    }
}
