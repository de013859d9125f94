// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeModel

@testable import TurnpikeControl

@Suite struct BatchQueueTests {
    @Test func `every item is worked on once and answered with its own reply`() async throws {
        let sizes = Mutex<[Int]>([])
        let queue = BatchQueue<Int, Int>(capacity: 1000, batchLimit: 8) { items in
            sizes.withLock { $0.append(items.count) }
            return items.map { .success($0 * 2) }
        }
        let sum = await withTaskGroup(of: Int.self) { group in
            for item in 0..<200 { group.addTask { (try? await queue.submit(item)) ?? -1 } }
            return await group.reduce(0, +)
        }
        #expect(sum == (0..<200).reduce(0) { $0 + 2 * $1 })
        #expect(sizes.withLock { $0.allSatisfy { $0 <= 8 } && $0.reduce(0, +) == 200 })
    }

    @Test func `beyond its capacity it refuses, and closed it takes no more but finishes what it has`() async throws {
        let gate = Gate()
        let entered = Gate()
        let queue = BatchQueue<Int, Int>(capacity: 2, batchLimit: 1) { items in
            entered.open()
            await gate.pass()
            return items.map { .success($0) }
        }
        let working = Task { try await queue.submit(1) }
        await entered.pass()
        let waiting = [Task { try await queue.submit(2) }, Task { try await queue.submit(3) }]
        while queue.waitingCount < 2 { await Task.yield() }
        let refused = try await refusal { () throws(TurnpikeError) in try await queue.submit(4) }
        #expect(refused.code == .overloaded)
        let closing = Task { await queue.close() }
        while !queue.isClosed { await Task.yield() }
        let late = try await refusal { () throws(TurnpikeError) in try await queue.submit(5) }
        #expect(late.code == .draining)
        gate.open()
        await closing.value
        #expect(try await working.value == 1)
        for (index, task) in waiting.enumerated() { #expect(try await task.value == index + 2) }
    }
}
