// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

@Suite struct DueQueueTests {
    private final class Entry: DueEntry {}

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `entries come out when they are due, however they were moved and taken out`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = DueQueue<Entry>()
        let entries = (0..<50).map { _ in Entry() }
        var expected: [ObjectIdentifier: UInt64] = [:]
        for now in 0..<400 as Range<UInt64> {
            for _ in 0..<4 {
                guard let entry = entries.randomElement(using: &random) else { continue }
                if Int.random(in: 0..<4, using: &random) == 0 {
                    queue.remove(entry)
                    expected[ObjectIdentifier(entry)] = nil
                } else {
                    let due = now + UInt64.random(in: 0...30, using: &random)
                    queue.schedule(entry, at: due)
                    expected[ObjectIdentifier(entry)] = due
                }
            }
            #expect(queue.count == expected.count && queue.next == expected.values.min(), "seed \(seed)")
            guard now % 3 == 0 else { continue }
            var last: UInt64 = 0
            while let entry = queue.takeDue(now: now) {
                #expect(expected.removeValue(forKey: ObjectIdentifier(entry)) == entry.due, "seed \(seed)")
                #expect(entry.due >= last && entry.due <= now && !entry.isQueued, "seed \(seed)")
                last = entry.due
            }
            #expect(expected.values.allSatisfy { $0 > now }, "seed \(seed)")
        }
    }
}
