// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// All metrics of a process, rendered as Prometheus text.
///
/// Asking for a metric registers it; asking again with the same labels, in any order, gives the same handle. The
/// first registration's help and bounds stand. Registration takes a lock: keep the handle, and use it on the hot path.
///
/// Cardinality is bounded. A metric takes at most ``seriesLimit`` label sets; those beyond share one series with
/// every label value `other`, and ``MetricName/droppedLabelSets`` counts each look-up that ended there.
///
/// A name belongs to the kind that first registered it. Whoever asks for it as another kind gets a handle that works
/// but is not rendered, and ``MetricName/kindConflicts`` grows: a library's mistake must not stop the process.
///
/// Safe from any thread.
public final class MetricsRegistry: Sendable {
    /// The greatest number of label sets of one metric, the shared `other` series not counted.
    public let seriesLimit: Int

    private let families = Mutex<[MetricName: MetricFamily]>([:])

    /// - Parameter seriesLimit: Label sets a metric, at least 1. Default 2,000.
    public init(seriesLimit: Int = 2000) {
        self.seriesLimit = max(1, seriesLimit)
    }

    public func counter(_ name: MetricName, help: String, labels: [(String, String)] = []) -> Counter {
        let series = series(name, help, .counter, labels) { .counter(Counter()) }
        guard case .counter(let counter) = series else { return Counter() }
        return counter
    }

    public func gauge(_ name: MetricName, help: String, labels: [(String, String)] = []) -> Gauge {
        let series = series(name, help, .gauge, labels) { .gauge(Gauge()) }
        guard case .gauge(let gauge) = series else { return Gauge() }
        return gauge
    }

    /// A gauge whose value `read` gives at each rendering. A second registration with the same labels replaces it.
    ///
    /// - Parameter read: Must not block; called without the registry's lock, from whichever thread renders.
    public func gauge(
        _ name: MetricName,
        help: String,
        labels: [(String, String)] = [],
        read: @escaping @Sendable () -> Double
    ) {
        callback(name, help, .gauge, labels, read)
    }

    /// A counter kept elsewhere (one an event loop, say), whose total `read` gives at each rendering. A second
    /// registration with the same labels replaces it.
    ///
    /// - Parameter read: Must not block and never fall; called without the registry's lock, from whichever thread
    ///   renders. Exact up to 2^53.
    public func counter(
        _ name: MetricName,
        help: String,
        labels: [(String, String)] = [],
        read: @escaping @Sendable () -> UInt64
    ) {
        callback(name, help, .counter, labels) { Double(read()) }
    }

    /// - Parameter bounds: Upper bounds of the buckets in the unit that `name` states; a last one is added without bound.
    public func histogram(
        _ name: MetricName,
        help: String,
        labels: [(String, String)] = [],
        bounds: [Double] = Histogram.requestSeconds
    ) -> Histogram {
        let series = series(name, help, .histogram, labels) { .histogram(Histogram(bounds: bounds)) }
        guard case .histogram(let histogram) = series else { return Histogram(bounds: bounds) }
        return histogram
    }

    /// All metrics in the text exposition format 0.0.4, sorted by name and labels.
    /// Serve it as ``PrometheusText/contentType``.
    public func render() -> String {
        let snapshot = families.withLock { Array($0.values) }
        var text = ""
        for family in snapshot.sorted(by: { $0.name < $1.name }) {
            family.render(into: &text)
        }
        return text
    }
}

extension MetricsRegistry {
    /// The series of `name` with `labels`, made on first use; `nil` where the name belongs to another kind.
    private func series(
        _ name: MetricName,
        _ help: String,
        _ kind: MetricKind,
        _ labels: [(String, String)],
        make: () -> MetricSeries
    ) -> MetricSeries? {
        let labelSet = LabelSet(labels)
        return families.withLock { families in
            guard families.admit(name, help, kind) else { return nil }
            let key = families.key(labelSet, in: name, labels: labels, limit: seriesLimit)
            if let known = families[name]?.series[key] { return known }
            let made = make()
            families[name]?.series[key] = made
            return made
        }
    }

    private func callback(
        _ name: MetricName,
        _ help: String,
        _ kind: MetricKind,
        _ labels: [(String, String)],
        _ read: @escaping @Sendable () -> Double
    ) {
        let labelSet = LabelSet(labels)
        families.withLock { families in
            guard families.admit(name, help, kind) else { return }
            let key = families.key(labelSet, in: name, labels: labels, limit: seriesLimit)
            families[name]?.series[key] = .callback(read)
        }
    }
}

extension [MetricName: MetricFamily] {
    /// Makes the family on first use. False, and counted, where the name belongs to another kind.
    fileprivate mutating func admit(_ name: MetricName, _ help: String, _ kind: MetricKind) -> Bool {
        guard let family = self[name] else {
            self[name] = MetricFamily(name: name, help: help, kind: kind)
            return true
        }
        if family.kind == kind { return true }
        count(.kindConflicts, "Registrations under a name that belongs to a metric of another kind.", of: name)
        return false
    }

    /// Where `labelSet` is kept: under itself while there is room or it is known, else in the shared series.
    fileprivate mutating func key(
        _ labelSet: LabelSet,
        in name: MetricName,
        labels: [(String, String)],
        limit: Int
    ) -> LabelSet {
        guard let family = self[name], family.series[labelSet] == nil, family.series.count >= limit else {
            return labelSet
        }
        let overflow = LabelSet.overflow(of: labels)
        if overflow != labelSet {
            count(.droppedLabelSets, "Look-ups of label sets that found their metric full.", of: name)
        }
        return overflow
    }

    private mutating func count(_ name: MetricName, _ help: String, of metric: MetricName) {
        let labels = LabelSet([("metric", metric.rawValue)])
        var family = self[name] ?? MetricFamily(name: name, help: help, kind: .counter)
        if case .counter(let counter) = family.series[labels] {
            counter.increment()
        } else {
            let counter = Counter()
            counter.increment()
            family.series[labels] = .counter(counter)
            self[name] = family
        }
    }
}
