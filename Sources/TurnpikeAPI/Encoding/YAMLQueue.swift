// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization
import TurnpikeModel
import TurnpikeTelemetry

/// Reads YAML, one text after the other on a thread of its own: it takes seconds of processor time for what JSON takes a
/// moment for, and nobody else shall wait for that.
final class YAMLQueue: Sendable {
    /// Texts that may wait, the one under way among them.
    static let most = 8

    private let reading: YAMLReading
    private let queue = DispatchQueue(label: "turnpike.yaml")
    private let waiting = Mutex(0)

    init(_ reading: @escaping YAMLReading, metrics: MetricsRegistry) {
        self.reading = reading
        metrics.gauge(.queueLength, help: "What waits its turn, by queue.", labels: [("queue", "yaml")]) {
            [weak self] in
            Double(self?.waiting.withLock(\.self) ?? 0)
        }
    }

    /// - Throws: what the reading throws; `overloaded` where too many texts wait.
    func read(_ text: String) async throws(TurnpikeError) -> JSON {
        let isWelcome = waiting.withLock { waiting in
            guard waiting < Self.most else { return false }
            waiting += 1
            return true
        }
        guard isWelcome else {
            throw TurnpikeError(.overloaded, "Too much YAML waits to be read.", retryAfter: .seconds(1))
        }
        defer { waiting.withLock { $0 -= 1 } }
        let reading = reading
        let read: Result<JSON, TurnpikeError> = await withCheckedContinuation { caller in
            queue.async {
                caller.resume(returning: Result { () throws(TurnpikeError) in try reading(text) })
            }
        }
        return try read.get()
    }
}
