// SPDX-License-Identifier: Apache-2.0

/// What a series tells of, where that can leave while the process lives. Its series leave with it:
/// see ``MetricsRegistry/dropSeries(at:after:isGone:)``.
public enum MetricSubject: Sendable, Hashable {
    case tenant(String)
    case route(tenant: String, name: String)
    case service(tenant: String, name: String)
}

/// The series of subjects, and which subjects are on their way out.
struct MetricSubjects: Sendable {
    /// One series of one metric.
    struct Place: Sendable, Hashable {
        let metric: MetricName
        let labels: LabelSet
    }

    private var places: [MetricSubject: Set<Place>] = [:]
    /// When they were first found gone, nanoseconds. Few, beside those that stay.
    private var leaving: [MetricSubject: UInt64] = [:]

    var all: [MetricSubject] { Array(places.keys) }

    /// A series was asked for: whoever did may hold on to it, so that its subject's leaving, if it is, begins anew.
    mutating func note(_ subject: MetricSubject, at place: Place) {
        leaving[subject] = nil
        places[subject, default: []].insert(place)
    }

    /// - Returns: the series of those that have been gone for long enough, which are not known any more.
    mutating func leave(_ gone: Set<MetricSubject>, now: UInt64, after retention: UInt64) -> [Place] {
        leaving = leaving.filter { gone.contains($0.key) }
        var left: [Place] = []
        for subject in gone {
            guard let since = leaving[subject] else {
                leaving[subject] = now
                continue
            }
            guard now >= since, now - since >= retention else { continue }
            leaving[subject] = nil
            left += places.removeValue(forKey: subject) ?? []
        }
        return left
    }
}
