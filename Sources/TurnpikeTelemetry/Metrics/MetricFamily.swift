// SPDX-License-Identifier: Apache-2.0

/// What a metric's values mean, as its `# TYPE` line says.
enum MetricKind: String, Sendable {
    case counter, gauge, histogram
}

/// One series: a metric with one label set.
enum MetricSeries: Sendable {
    case counter(Counter)
    case gauge(Gauge)
    case histogram(Histogram)
    /// Read anew for each rendering.
    case callback(@Sendable () -> Double)
}

/// All series of one name, and how they are rendered.
struct MetricFamily: Sendable {
    let name: MetricName
    let help: String
    let kind: MetricKind
    var series: [LabelSet: MetricSeries] = [:]

    /// Appends the family's `HELP` and `TYPE` lines and its samples, series in the order of their labels.
    func render(into text: inout String) {
        text += "# HELP \(name.rawValue) \(PrometheusText.help(help))\n"
        text += "# TYPE \(name.rawValue) \(kind.rawValue)\n"
        for (labels, series) in series.sorted(by: { $0.key.text < $1.key.text }) {
            switch series {
            case .counter(let counter): sample("", labels.text, String(counter.value), into: &text)
            case .gauge(let gauge): sample("", labels.text, PrometheusText.number(gauge.value), into: &text)
            case .callback(let read): sample("", labels.text, PrometheusText.number(read()), into: &text)
            case .histogram(let histogram): render(histogram, labels.text, into: &text)
            }
        }
    }

    private func render(_ histogram: Histogram, _ labels: String, into text: inout String) {
        let (counts, sum) = histogram.snapshot
        let prefix = labels.isEmpty ? "" : labels + ","
        var cumulative: UInt64 = 0
        for (index, count) in counts.enumerated() {
            cumulative += count
            let bound = index < histogram.bounds.count ? PrometheusText.number(histogram.bounds[index]) : "+Inf"
            sample("_bucket", "\(prefix)le=\"\(bound)\"", String(cumulative), into: &text)
        }
        sample("_sum", labels, PrometheusText.number(sum), into: &text)
        sample("_count", labels, String(cumulative), into: &text)
    }

    private func sample(_ suffix: String, _ labels: String, _ value: String, into text: inout String) {
        text += name.rawValue
        text += suffix
        if !labels.isEmpty { text += "{\(labels)}" }
        text += " \(value)\n"
    }
}
