// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTelemetry

@Suite struct MetricsRegistryTests {
    @Test func `metrics are rendered with help and type, sorted by name and labels`() {
        let registry = MetricsRegistry()
        registry.counter("b_total", help: "Second.", labels: [("route", "z")]).increment()
        registry.counter("b_total", help: "Second.", labels: [("route", "a")]).increment(by: 41)
        registry.gauge("a_seconds", help: "First.").set(1.5)
        #expect(
            registry.render() == """
                # HELP a_seconds First.
                # TYPE a_seconds gauge
                a_seconds 1.5
                # HELP b_total Second.
                # TYPE b_total counter
                b_total{route="a"} 41
                b_total{route="z"} 1

                """
        )
    }

    @Test func `a registry without metrics renders nothing`() {
        #expect(MetricsRegistry().render().isEmpty)
    }

    @Test func `histogram buckets add up and end without bound`() {
        let registry = MetricsRegistry()
        let histogram = registry.histogram("d_seconds", help: "D.", labels: [("tenant", "acme")], bounds: [1, 0.1, 1])
        for value in [0.05, 0.1, 0.5, 7, .nan] { histogram.observe(value) }
        histogram.observe(.milliseconds(250))
        #expect(
            registry.render() == """
                # HELP d_seconds D.
                # TYPE d_seconds histogram
                d_seconds_bucket{tenant="acme",le="0.1"} 2
                d_seconds_bucket{tenant="acme",le="1"} 4
                d_seconds_bucket{tenant="acme",le="+Inf"} 5
                d_seconds_sum{tenant="acme"} 7.9
                d_seconds_count{tenant="acme"} 5

                """
        )
    }

    @Test func `labels and help are escaped so that no value can forge a line`() {
        let registry = MetricsRegistry()
        registry.counter("c_total", help: "A \\ and\na \"quote\".", labels: [("path", "a\\b\"c\nd")]).increment()
        #expect(
            registry.render() == """
                # HELP c_total A \\\\ and\\na "quote".
                # TYPE c_total counter
                c_total{path="a\\\\b\\"c\\nd"} 1

                """
        )
    }

    @Test func `the same labels in any order are one series`() {
        let registry = MetricsRegistry()
        let first = registry.counter("c_total", help: "C.", labels: [("a", "1"), ("b", "2")])
        let second = registry.counter("c_total", help: "C.", labels: [("b", "2"), ("a", "1")])
        #expect(first === second)
    }

    @Test func `a histogram's own label is not taken by a caller's`() {
        let registry = MetricsRegistry()
        registry.histogram("h", help: "H.", labels: [("le", "x")], bounds: [1]).observe(1)
        #expect(registry.render().contains(#"h_bucket{exported_le="x",le="1"} 1"#))
    }

    @Test func `gauges go both ways, and callbacks are read at each rendering`() {
        let registry = MetricsRegistry()
        let gauge = registry.gauge("a", help: "A.")
        gauge.add(5)
        gauge.add(-2)
        registry.gauge("b", help: "B.") { gauge.value * 2 }
        registry.counter("c_total", help: "C.") { UInt64(gauge.value) }
        #expect(registry.render().contains("\na 3\n"))
        #expect(registry.render().contains("\nb 6\n"))
        gauge.set(10)
        #expect(registry.render().contains("\nb 20\n"))
        #expect(registry.render().contains("\nc_total 10\n"))
    }

    @Test func `a callback may use the registry that calls it`() {
        let registry = MetricsRegistry()
        registry.gauge("a", help: "A.") { [unowned registry] in
            registry.counter("calls_total", help: "Calls.").increment()
            return 1
        }
        #expect(registry.render().contains("\na 1\n"))
        #expect(registry.render().contains("\ncalls_total 2\n"))
    }

    @Test(arguments: [
        (Double.infinity, "+Inf"), (-Double.infinity, "-Inf"), (Double.nan, "NaN"), (0.1, "0.1"), (1e21, "1e+21"),
        (-3, "-3"),
    ])
    func `values are written as Prometheus reads them`(value: Double, text: String) {
        let registry = MetricsRegistry()
        registry.gauge("g", help: "G.").set(value)
        #expect(registry.render().hasSuffix("g \(text)\n"))
    }

    @Test func `increments from many threads are all counted`() async {
        let registry = MetricsRegistry()
        let counter = registry.counter("c_total", help: "C.")
        let gauge = registry.gauge("g", help: "G.")
        let histogram = registry.histogram("h", help: "H.", bounds: [1])
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<5000 {
                        counter.increment()
                        gauge.add(1)
                        histogram.observe(1)
                    }
                }
            }
        }
        #expect(counter.value == 40_000)
        #expect(gauge.value == 40_000)
        #expect(registry.render().contains("\nh_sum 40000\nh_count 40000\n"))
    }
}
