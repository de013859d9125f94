// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTelemetry

@testable import TurnpikeWorker

@Suite struct UnreportedUsageTests {
    @Test func `the age is that of the oldest batch on its way, and none where all have arrived`() {
        let metrics = MetricsRegistry()
        let unreported = UnreportedUsage(metrics)
        let start = ContinuousClock.now
        #expect(unreported.age(at: start) == .zero)
        #expect(metrics.render().contains("turnpike_usage_unreported_seconds 0"))
        unreported.begin(1, at: start)
        unreported.begin(2, at: start + .seconds(5))
        #expect(unreported.age(at: start + .seconds(9)) == .seconds(9))
        unreported.end(1)
        #expect(unreported.age(at: start + .seconds(9)) == .seconds(4))
        unreported.end(2)
        #expect(unreported.age(at: start + .seconds(9)) == .zero)
    }
}
