// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeWorker

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A child process records as fast as it can until it is killed at an instant of chance. What is left must be exactly
/// what it had recorded after some number of steps: no step half done, none missing before the last.
@Suite(.serialized) struct KilledJournalTests {
    private static let steps = 2_000_000

    @Test(arguments: UInt64(1)...24)
    func `a process killed at any instant leaves a state that was`(seed: UInt64) async throws {
        try await withTemporaryDirectory { path in
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, seed = seed as UInt64] in
                try KilledJournalTests.record(in: path, seed: seed)
            }
            var left = Ledger()
            for batch in try await recover(in: path).batches() {
                #expect(batch.series.count + batch.consumption.count > 0 || batch.isFinal)
                left.take(batch)
            }
            #expect(KilledJournalTests.isStateThatWas(left, seed: seed), "seed \(seed)")
        }
    }

    private static func record(in path: String, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let journal = try makeJournal(in: path, journalLimits(slots: 32, segments: 64))
        let delay = useconds_t.random(in: 100...40_000)
        Thread.detachNewThread {
            usleep(delay)
            kill(getpid(), SIGKILL)
        }
        for _ in 0..<steps { RecordedStep.random(using: &random).apply(to: journal) }
        // Reached only if the whole run took less than the delay: the parent then sees that nothing was killed.
        usleep(1_000_000)
    }

    private static func isStateThatWas(_ left: Ledger, seed: UInt64) -> Bool {
        var random = SeededGenerator(seed: seed)
        var expected = Ledger()
        let requests = left.usage.values.map(\.requests).reduce(0, +)
        var recorded: Int64 = 0
        for _ in 0..<steps {
            if recorded == requests, expected == left { return true }
            if recorded > requests { return false }
            let step = RecordedStep.random(using: &random)
            if case .usage = step { recorded += 1 }
            expected.record(step)
        }
        return false
    }
}
