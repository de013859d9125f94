// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTelemetry

@Suite struct LeavingSeriesTests {
    private let registry = MetricsRegistry(seriesLimit: 2)

    private func counter(_ route: String) -> Counter {
        registry.counter(
            "c_total", help: "C.", labels: [("route", route)], of: .route(tenant: "acme", name: route))
    }

    private func drop(at now: UInt64, gone: String...) {
        registry.dropSeries(at: now, after: 300) { subject in
            gone.contains { subject == .route(tenant: "acme", name: $0) }
        }
    }

    @Test func `series of what has left are dropped after a while, and those of what stays count on`() {
        counter("a").increment(by: 5)
        counter("b").increment(by: 7)
        drop(at: 1000, gone: "a")
        drop(at: 1299, gone: "a")
        #expect(registry.render().contains(#"c_total{route="a"} 5"#))
        drop(at: 1300, gone: "a")
        let text = registry.render()
        #expect(!text.contains(#"route="a""#) && text.contains(#"c_total{route="b"} 7"#))
        counter("b").increment()
        #expect(registry.render().contains(#"c_total{route="b"} 8"#))
    }

    @Test func `what comes back in time keeps its count`() {
        counter("a").increment(by: 5)
        drop(at: 1000, gone: "a")
        drop(at: 1200)
        drop(at: 1300, gone: "a")
        drop(at: 1599, gone: "a")
        #expect(registry.render().contains(#"c_total{route="a"} 5"#))
    }

    @Test func `a series that was asked for since stays, so that nobody counts what is not shown`() {
        counter("a").increment()
        drop(at: 1000, gone: "a")
        let handle = counter("a")
        drop(at: 1300, gone: "a")
        handle.increment()
        #expect(registry.render().contains(#"c_total{route="a"} 2"#))
        drop(at: 1600, gone: "a")
        #expect(!registry.render().contains(#"route="a""#))
    }

    @Test func `what has left makes room`() {
        for route in ["a", "b", "c"] { counter(route).increment() }
        drop(at: 0, gone: "a", "b", "c")
        drop(at: 300, gone: "a", "b", "c")
        for route in ["d", "e"] { counter(route).increment() }
        let text = registry.render()
        #expect(text.contains(#"c_total{route="d"} 1"#) && text.contains(#"c_total{route="e"} 1"#))
        // What was counted for all that found no room stays.
        #expect(text.contains(#"c_total{route="other"} 1"#))
        #expect(text.contains(#"turnpike_metrics_dropped_label_sets_total{metric="c_total"} 1"#))
    }

    @Test func `a subject's series leave whatever metric they are of`() {
        let subject = MetricSubject.tenant("acme")
        registry.gauge("g", help: "G.", labels: [("tenant", "acme")], of: subject).set(1)
        registry.histogram("h", help: "H.", labels: [("tenant", "acme")], of: subject).observe(1)
        registry.counter("k_total", help: "K.", labels: [("tenant", "acme")]).increment()
        for now: UInt64 in [0, 300] { registry.dropSeries(at: now, after: 300) { $0 == subject } }
        let text = registry.render()
        #expect(!text.contains("g{") && !text.contains("h_count{"))
        #expect(text.contains(#"k_total{tenant="acme"} 1"#))
    }
}
