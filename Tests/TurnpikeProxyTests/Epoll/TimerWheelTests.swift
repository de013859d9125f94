// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTestSupport

@testable import TurnpikeProxy

@Suite struct TimerWheelTests {
    /// Deadlines around the edges of slots and levels.
    private static let spans: [UInt64] = [
        0, 1, 2, 62, 63, 64, 65, 127, 128, 4095, 4096, 4097, 262_143, 262_144, 1 << 24, (1 << 30) + 1, 63 << 30,
        (63 << 30) + 1, 1 << 36, (1 << 36) + 12_345, 1 << 38,
    ]

    private static let starts: [UInt64] = [0, 1, 63, 64, 4095, 262_143, (1 << 36) - 1, (1 << 36) + 77]

    @Test(arguments: starts)
    func `a timer is due at its deadline, neither before nor after`(start: UInt64) {
        for span in Self.spans {
            var wheel = TimerWheel<UInt64>(now: start)
            _ = wheel.add(span, at: start + span)
            var steps = 0
            while let next = wheel.next, next < start + span, steps < 100 {
                #expect(wheel.takeDue(now: next) == nil)
                steps += 1
            }
            #expect(steps < 100 && wheel.next == start + span, "\(start) + \(span)")
            if span > 0 { #expect(wheel.takeDue(now: start + span - 1) == nil) }
            #expect(wheel.takeDue(now: start + span) == span, "\(start) + \(span)")
            #expect(wheel.takeDue(now: start + span) == nil && wheel.next == nil && wheel.count == 0)
        }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6, 7, 8])
    func `any coming and going of timers gives what a sorted list gives`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var now = random.next() % (1 << 37)
        var wheel = TimerWheel<Int>(now: now)
        var model: [Int: (deadline: UInt64, id: TimerID)] = [:]
        for number in 0..<5000 {
            switch random.next() % 8 {
            case 0...4:
                let span = random.next() % (1 << (random.next() % 40))
                let deadline = random.next() % 16 == 0 ? now - min(now, span) : now + span
                model[number] = (deadline, wheel.add(number, at: deadline))
            case 5:
                guard let victim = model.keys.sorted().randomElement(using: &random), let id = model[victim]?.id else {
                    continue
                }
                wheel.remove(id)
                model[victim] = nil
            default:
                now += random.next() % (1 << (random.next() % 34))
                while let due = wheel.takeDue(now: now) {
                    guard let expected = model.removeValue(forKey: due) else {
                        Issue.record("\(due) was not set; seed \(seed)")
                        return
                    }
                    #expect(expected.deadline <= now, "seed \(seed)")
                }
                #expect(!model.values.contains { $0.deadline <= now }, "seed \(seed)")
            }
            #expect(wheel.count == model.count, "seed \(seed)")
            if let soonest = model.values.map(\.deadline).min() {
                let next = wheel.next
                #expect(next != nil && next ?? 0 <= max(soonest, now), "seed \(seed)")
            } else {
                #expect(wheel.next == nil)
            }
        }
    }

    @Test func `timers of one slot come in the order of their deadlines`() {
        var wheel = TimerWheel<Int>(now: 10)
        for deadline in [5000, 70, 4999, 11, 500, 12] { _ = wheel.add(deadline, at: UInt64(deadline)) }
        var order: [Int] = []
        while let due = wheel.takeDue(now: 6000) { order.append(due) }
        #expect(order == [11, 12, 70, 500, 4999, 5000])
    }
}
