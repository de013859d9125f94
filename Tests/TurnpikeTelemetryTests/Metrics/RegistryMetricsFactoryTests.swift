// SPDX-License-Identifier: Apache-2.0

import Metrics
import Testing
import TurnpikeTelemetry

@Suite struct RegistryMetricsFactoryTests {
    let registry = MetricsRegistry()
    var factory: RegistryMetricsFactory { RegistryMetricsFactory(registry: registry) }

    @Test func `a library's counter is a counter whose name ends in total`() {
        let counter = Metrics.Counter(label: "http.requests", dimensions: [("status", "200")], factory: factory)
        counter.increment(by: 3)
        #expect(registry.render().contains("http_requests_total{status=\"200\"} 3\n"))
        counter.reset()
        #expect(registry.render().contains("http_requests_total{status=\"200\"} 0\n"))
    }

    @Test func `a counter of fractions counts whole units`() {
        let counter = FloatingPointCounter(label: "cpu.seconds.total", factory: factory)
        counter.increment(by: 0.75)
        counter.increment(by: 0.75)
        #expect(registry.render().contains("\ncpu_seconds_total 1\n"))
    }

    @Test func `a timer is a histogram in seconds`() {
        let timer = Metrics.Timer(label: "http.duration", factory: factory)
        timer.recordNanoseconds(2_500_000)
        let text = registry.render()
        #expect(text.contains("# TYPE http_duration_seconds histogram\n"))
        #expect(text.contains("http_duration_seconds_bucket{le=\"0.001\"} 0\n"))
        #expect(text.contains("http_duration_seconds_bucket{le=\"0.0025\"} 1\n"))
        #expect(text.contains("http_duration_seconds_count 1\n"))
    }

    @Test func `a recorder is a histogram, and a gauge is a gauge`() {
        Recorder(label: "size", dimensions: [], aggregate: true, factory: factory).record(50)
        Metrics.Gauge(label: "depth", factory: factory).record(7)
        let meter = Meter(label: "open", factory: factory)
        meter.set(5)
        meter.decrement(by: 2)
        let text = registry.render()
        #expect(text.contains("size_bucket{le=\"100\"} 1\n"))
        #expect(text.contains("# TYPE depth gauge\ndepth 7\n"))
        #expect(text.contains("# TYPE open gauge\nopen 3\n"))
    }
}
