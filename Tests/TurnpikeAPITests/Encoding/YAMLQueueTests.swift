// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Testing
import TurnpikeModel
import TurnpikeTelemetry

@testable import TurnpikeAPI

@Suite struct YAMLQueueTests {
    @Test func `texts that wait are counted, and those beyond the most refused`() async throws {
        let metrics = MetricsRegistry()
        let gate = DispatchSemaphore(value: 0)
        let queue = YAMLQueue(
            { text in
                gate.wait()
                return .string(text)
            }, metrics: metrics)
        func says(_ count: Int) -> Bool {
            metrics.render().split(separator: "\n").contains(#"turnpike_queue_length{queue="yaml"} \#(count)"#)
        }
        #expect(says(0))
        try await withThrowingTaskGroup(of: JSON.self) { group in
            for number in 0..<YAMLQueue.most { group.addTask { try await queue.read("\(number)") } }
            while !says(YAMLQueue.most) { await Task.yield() }
            do {
                _ = try await queue.read("one more")
                Issue.record("one more was taken")
            } catch { #expect((error as? TurnpikeError)?.code == .overloaded) }
            for _ in 0..<YAMLQueue.most { gate.signal() }
            var read: Set<String?> = []
            for try await text in group { read.insert(text.string) }
            #expect(read.count == YAMLQueue.most)
        }
        #expect(says(0))
    }
}
