// SPDX-License-Identifier: Apache-2.0

public import Metrics

/// Puts the metrics that libraries report through swift-metrics into a ``MetricsRegistry``.
///
/// Names are made to fit: dots become `_`, counters end in `_total`, timers are histograms in `_seconds`.
/// A meter, and a recorder that does not aggregate, is a gauge.
///
/// A destroyed metric keeps its series: Prometheus expects a count not to vanish while its process lives.
public struct RegistryMetricsFactory: MetricsFactory {
    private let registry: MetricsRegistry
    private let help = "Reported by a library of this process."

    public init(registry: MetricsRegistry) {
        self.registry = registry
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        LibraryCounter(registry.counter(name(label, "_total"), help: help, labels: dimensions))
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        LibraryGauge(registry.gauge(name(label), help: help, labels: dimensions))
    }

    public func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return LibraryGauge(registry.gauge(name(label), help: help, labels: dimensions)) }
        return LibraryHistogram(
            registry.histogram(name(label), help: help, labels: dimensions, bounds: Histogram.magnitudes)
        )
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        LibraryHistogram(
            registry.histogram(
                name(label, "_seconds"),
                help: help,
                labels: dimensions,
                bounds: Histogram.requestSeconds
            )
        )
    }

    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}

    private func name(_ label: String, _ suffix: String = "") -> MetricName {
        let name = MetricName(rawValue: label)
        return name.rawValue.hasSuffix(suffix) ? name : MetricName(rawValue: name.rawValue + suffix)
    }
}

private final class LibraryCounter: CounterHandler {
    private let counter: Counter

    init(_ counter: Counter) {
        self.counter = counter
    }

    func increment(by amount: Int64) {
        if amount > 0 { counter.increment(by: UInt64(amount)) }
    }

    func reset() {
        counter.reset()
    }
}

private final class LibraryGauge: MeterHandler, RecorderHandler {
    private let gauge: Gauge

    init(_ gauge: Gauge) {
        self.gauge = gauge
    }

    func set(_ value: Int64) { gauge.set(value) }
    func set(_ value: Double) { gauge.set(value) }
    func increment(by amount: Double) { gauge.add(amount) }
    func decrement(by amount: Double) { gauge.add(-amount) }
    func record(_ value: Int64) { gauge.set(value) }
    func record(_ value: Double) { gauge.set(value) }
}

private final class LibraryHistogram: RecorderHandler, TimerHandler {
    private let histogram: Histogram

    init(_ histogram: Histogram) {
        self.histogram = histogram
    }

    func record(_ value: Int64) { histogram.observe(Double(value)) }
    func record(_ value: Double) { histogram.observe(value) }
    func recordNanoseconds(_ nanoseconds: Int64) { histogram.observe(.nanoseconds(nanoseconds)) }
}
