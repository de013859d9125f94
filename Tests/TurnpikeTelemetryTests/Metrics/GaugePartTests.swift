// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTelemetry

@Suite struct GaugePartTests {
    @Test func `a gauge is the sum of its parts, and loses those that are gone`() {
        let gauge = MetricsRegistry().gauge("open", help: "Open.")
        let first = GaugePart(of: gauge)
        do {
            let second = GaugePart(of: gauge)
            first.set(5)
            second.set(7)
            first.set(2)
            #expect(gauge.value == 9 && first.value == 2)
            second.set(7)
            #expect(gauge.value == 9)
        }
        #expect(gauge.value == 2)
        first.set(0)
        #expect(gauge.value == 0)
    }
}
