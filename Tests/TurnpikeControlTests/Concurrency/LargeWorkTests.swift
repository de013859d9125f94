// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct LargeWorkTests {
    /// What pieces of work have seen.
    private final class Record: Sendable {
        let done = Mutex<Set<Int>>([])
        let running = Mutex(0)
        let isHeld = Mutex(true)
    }

    @Test func `pieces are done one at a time, all of them`() async throws {
        let work = LargeWork()
        let record = Record()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try await work.run {
                        let others = record.running.withLock { running in
                            defer { running += 1 }
                            return running
                        }
                        #expect(others == 0)
                        record.done.withLock { _ = $0.insert(number) }
                        record.running.withLock { $0 -= 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(record.done.withLock(\.self) == Set(0..<20))
    }

    @Test func `what it throws is thrown, and more than may wait is refused with a time to come again`() async throws {
        let work = LargeWork(most: 3)
        let failed = try await refusal { () throws(TurnpikeError) in
            try await work.run { () throws(TurnpikeError) in throw TurnpikeError(.notFound, "no") }
        }
        #expect(failed.code == .notFound)
        let record = Record()
        let held = (0..<3).map { _ in
            Task { try await work.run { while record.isHeld.withLock(\.self) {} } }
        }
        while work.waitingCount < 3 { await Task.yield() }
        let refused = try await refusal { () throws(TurnpikeError) in try await work.run {} }
        #expect(refused.code == .overloaded && refused.retryAfter != nil)
        // What is small waits for nobody.
        #expect(try await work.run(if: false) { 7 } == 7)
        record.isHeld.withLock { $0 = false }
        for task in held { try await task.value }
        try await work.run {}
    }
}
