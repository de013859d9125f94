// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTelemetry

@Suite struct CardinalityTests {
    @Test func `label sets beyond the limit share one series and are counted`() {
        let registry = MetricsRegistry(seriesLimit: 2)
        for route in ["a", "b", "c", "d"] {
            registry.counter("c_total", help: "C.", labels: [("tenant", "acme"), ("route", route)]).increment()
        }
        let text = registry.render()
        #expect(text.contains(#"c_total{route="a",tenant="acme"} 1"#))
        #expect(text.contains(#"c_total{route="b",tenant="acme"} 1"#))
        #expect(text.contains(#"c_total{route="other",tenant="other"} 2"#))
        #expect(text.contains(#"turnpike_metrics_dropped_label_sets_total{metric="c_total"} 2"#))
        #expect(!text.contains(#"route="c""#))
    }

    @Test func `a full metric still finds the series that it has`() {
        let registry = MetricsRegistry(seriesLimit: 1)
        let kept = registry.gauge("g", help: "G.", labels: [("worker", "1")])
        let shared = registry.gauge("g", help: "G.", labels: [("worker", "2")])
        #expect(registry.gauge("g", help: "G.", labels: [("worker", "1")]) === kept)
        #expect(registry.gauge("g", help: "G.", labels: [("worker", "3")]) === shared)
        #expect(kept !== shared)
    }

    @Test func `one metric's fullness does not touch another`() {
        let registry = MetricsRegistry(seriesLimit: 1)
        for tenant in ["a", "b"] { registry.counter("x_total", help: "X.", labels: [("tenant", tenant)]).increment() }
        registry.counter("y_total", help: "Y.", labels: [("tenant", "a")]).increment()
        #expect(registry.render().contains(#"y_total{tenant="a"} 1"#))
    }

    @Test func `a name taken by another kind gives a handle that works and is not rendered`() {
        let registry = MetricsRegistry()
        registry.counter("n", help: "N.").increment()
        let gauge = registry.gauge("n", help: "N.")
        gauge.set(9)
        registry.gauge("n", help: "N.") { 8 }
        #expect(gauge.value == 9)
        let text = registry.render()
        #expect(text.contains("# TYPE n counter\nn 1\n"))
        #expect(!text.contains("n 9") && !text.contains("n 8"))
        #expect(text.contains(#"turnpike_metrics_kind_conflicts_total{metric="n"} 2"#))
    }
}
