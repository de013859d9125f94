// SPDX-License-Identifier: Apache-2.0

import TurnpikeControl
import TurnpikeModel
import TurnpikeTelemetry

/// Reads YAML, one text after the other on a thread of its own: it takes seconds of processor time for what JSON takes a
/// moment for, and nobody else shall wait for that.
final class YAMLQueue: Sendable {
    /// Texts that may wait, the one under way among them.
    static let most = 8

    private let reading: YAMLReading
    private let work = LargeWork(
        label: "turnpike.yaml", most: YAMLQueue.most, refusal: "Too much YAML waits to be read.")

    init(_ reading: @escaping YAMLReading, metrics: MetricsRegistry) {
        self.reading = reading
        metrics.gauge(.queueLength, help: "What waits its turn, by queue.", labels: [("queue", "yaml")]) {
            [weak work] in
            Double(work?.waitingCount ?? 0)
        }
    }

    /// - Throws: what the reading throws; `overloaded` where too many texts wait.
    func read(_ text: String) async throws(TurnpikeError) -> JSON {
        try await work.run { [reading] () throws(TurnpikeError) in try reading(text) }
    }
}
