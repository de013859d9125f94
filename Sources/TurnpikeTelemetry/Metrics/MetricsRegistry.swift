// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// All metrics of a process, rendered as Prometheus text.
///
/// Asking for a metric registers it; asking again with the same labels, in any order, gives the same handle. The
/// first registration's help and bounds stand. Registration takes a lock: keep the handle, and use it on the hot path.
///
/// Cardinality is bounded. A metric takes at most ``seriesLimit`` label sets; those beyond share one series with
/// every label value `other`, and ``MetricName/droppedLabelSets`` counts each look-up that ended there. Series of a
/// ``MetricSubject`` make room once that has left.
///
/// A name belongs to the kind that first registered it. Whoever asks for it as another kind gets a handle that works
/// but is not rendered, and ``MetricName/kindConflicts`` grows: a library's mistake must not stop the process.
///
/// Safe from any thread.
public final class MetricsRegistry: Sendable {
    /// The greatest number of label sets of one metric, the shared `other` series not counted.
    public let seriesLimit: Int

    private struct State {
        var families: [MetricName: MetricFamily] = [:]
        var subjects = MetricSubjects()
    }

    private let state = Mutex(State())

    /// Label sets a metric where nobody says how many.
    public static let defaultSeriesLimit = 2000

    /// - Parameter seriesLimit: Label sets a metric, at least 1. Default ``defaultSeriesLimit``.
    public init(seriesLimit: Int = defaultSeriesLimit) {
        self.seriesLimit = max(1, seriesLimit)
    }

    public func counter(
        _ name: MetricName, help: String, labels: [(String, String)] = [], of subject: MetricSubject? = nil
    ) -> Counter {
        let series = series(name, help, .counter, labels, subject) { .counter(Counter()) }
        guard case .counter(let counter) = series else { return Counter() }
        return counter
    }

    public func gauge(
        _ name: MetricName, help: String, labels: [(String, String)] = [], of subject: MetricSubject? = nil
    ) -> Gauge {
        let series = series(name, help, .gauge, labels, subject) { .gauge(Gauge()) }
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
        bounds: [Double] = Histogram.requestSeconds,
        of subject: MetricSubject? = nil
    ) -> Histogram {
        let series = series(name, help, .histogram, labels, subject) { .histogram(Histogram(bounds: bounds)) }
        guard case .histogram(let histogram) = series else { return Histogram(bounds: bounds) }
        return histogram
    }

    /// All metrics in the text exposition format 0.0.4, sorted by name and labels.
    /// Serve it as ``PrometheusText/contentType``.
    public func render() -> String {
        let snapshot = state.withLock { Array($0.families.values) }
        var text = ""
        for family in snapshot.sorted(by: { $0.name < $1.name }) {
            family.render(into: &text)
        }
        return text
    }
}

// MARK: - What leaves

extension MetricsRegistry {
    /// Drops the series of subjects that have left, once they could be scraped with their last value for a while: what is asked
    /// for again then begins from zero. Who has a handle of one has to ask anew before it uses it for a subject that came back.
    ///
    /// To be called again and again; whatever was asked for since a subject was first found gone stays until it has been gone
    /// as long once more.
    ///
    /// - Parameters:
    ///   - now: of a clock that never goes back; nanoseconds.
    ///   - retention: from the first call that finds a subject gone, all of them until then doing so; nanoseconds.
    ///   - isGone: called without the registry's lock, for each subject.
    public func dropSeries(at now: UInt64, after retention: UInt64, isGone: (MetricSubject) -> Bool) {
        let subjects = state.withLock { $0.subjects.all }
        let gone = Set(subjects.filter(isGone))
        state.withLock { state in
            for place in state.subjects.leave(gone, now: now, after: retention) {
                state.families[place.metric]?.series[place.labels] = nil
            }
        }
    }
}

extension MetricsRegistry {
    /// The series of `name` with `labels`, made on first use; `nil` where the name belongs to another kind.
    private func series(
        _ name: MetricName,
        _ help: String,
        _ kind: MetricKind,
        _ labels: [(String, String)],
        _ subject: MetricSubject?,
        make: () -> MetricSeries
    ) -> MetricSeries? {
        let labelSet = LabelSet(labels)
        return state.withLock { state in
            guard state.families.admit(name, help, kind) else { return nil }
            let key = state.families.key(labelSet, in: name, labels: labels, limit: seriesLimit)
            // What shares a series keeps it for all.
            if let subject, key == labelSet { state.subjects.note(subject, at: .init(metric: name, labels: key)) }
            if let known = state.families[name]?.series[key] { return known }
            let made = make()
            state.families[name]?.series[key] = made
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
        state.withLock { state in
            guard state.families.admit(name, help, kind) else { return }
            let key = state.families.key(labelSet, in: name, labels: labels, limit: seriesLimit)
            state.families[name]?.series[key] = .callback(read)
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
        let isShared = family.series[overflow] != nil
        guard family.series.count - (isShared ? 1 : 0) >= limit else { return labelSet }
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
