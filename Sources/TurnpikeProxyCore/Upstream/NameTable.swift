// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Where the names of one event loop's endpoints lead: which are to be looked up when, and what the last look-up said.
///
/// A name is looked up as soon as a service names it, and then for as long as one does, at the rate of the most impatient of
/// them. A look-up that fails changes nothing, and is made again after a second, then after twice as long, up to the rate.
struct NameTable {
    /// Look-ups under way at once; the others wait for their turn.
    static let mostQuestions = 16
    /// Addresses of one name that are used; those beyond are not.
    static let mostAddresses = 64
    /// Nanoseconds. The pause after a first failure.
    static let firstPause: UInt64 = 1_000_000_000

    /// What one address of a name is, and what to try where it cannot be reached.
    struct Answer: Sendable, Hashable {
        let ip: String
        let alternative: String?
    }

    private final class Name: DueEntry {
        let host: String
        /// How often the services that name it want it looked up, in nanoseconds.
        var rates: [ResourceID: UInt64] = [:]
        /// Nil until the first look-up that succeeded.
        var answers: [Answer]?
        var failures: UInt64 = 0

        init(_ host: String) { self.host = host }

        var rate: UInt64 { rates.values.min() ?? .max }
    }

    private var names: [String: Name] = [:]
    private var queue = DueQueue<Name>()
    private var asked: Set<String> = []

    var count: Int { names.count }

    /// When the next look-up is due; nil where none is, or as many are under way as may be.
    var next: UInt64? { asked.count < Self.mostQuestions ? queue.next : nil }

    func answers(for host: String) -> [Answer]? { names[host]?.answers }

    // MARK: - Who asks

    /// - Parameter rate: nanoseconds from one look-up to the next.
    mutating func follow(_ hosts: [String], for service: ResourceID, every rate: UInt64, now: UInt64) {
        for host in hosts {
            let name = names[host] ?? Name(host)
            let isNew = names.updateValue(name, forKey: host) == nil
            name.rates[service] = rate
            guard !asked.contains(host) else { continue }
            // A new service may want it sooner than was planned.
            queue.schedule(name, at: isNew ? now : min(name.due, now.addingClamped(name.rate)))
        }
    }

    /// The service names these no longer. Who is named by nobody is forgotten.
    mutating func unfollow(_ hosts: [String], for service: ResourceID) {
        for host in hosts {
            guard let name = names[host] else { continue }
            name.rates[service] = nil
            guard name.rates.isEmpty else { continue }
            names[host] = nil
            queue.remove(name)
        }
    }

    // MARK: - Asking

    /// Names to look up now.
    mutating func takeDue(now: UInt64) -> [String] {
        var due: [String] = []
        while asked.count < Self.mostQuestions, let name = queue.takeDue(now: now) {
            asked.insert(name.host)
            due.append(name.host)
        }
        return due
    }

    /// Takes what a look-up has come to.
    ///
    /// - Parameter ips: in numbers, in the order in which to prefer them; empty where it failed.
    /// - Returns: the services for which something has changed.
    mutating func take(_ ips: [String], for host: String, now: UInt64, random: inout RandomSource) -> [ResourceID] {
        asked.remove(host)
        guard let name = names[host] else { return [] }
        guard !ips.isEmpty else {
            let pause = min(Self.firstPause << min(name.failures, 16), name.rate)
            name.failures += 1
            queue.schedule(name, at: now.addingClamped(pause.jittered(&random)))
            return []
        }
        name.failures = 0
        queue.schedule(name, at: now.addingClamped(name.rate.jittered(&random)))
        let answers = Self.answers(ips)
        guard name.answers != answers else { return [] }
        name.answers = answers
        return Array(name.rates.keys)
    }

    /// The addresses of the family that the first belongs to, each with one of the other family beside it, always in the same
    /// order: look-ups that find the same say the same.
    private static func answers(_ ips: [String]) -> [Answer] {
        let isPreferred = { (ip: String) in ip.contains(":") == ips[0].contains(":") }
        let preferred = Set(ips.filter(isPreferred)).sorted()
        let others = Set(ips.filter { !isPreferred($0) }).sorted()
        return preferred.prefix(mostAddresses).enumerated().map { index, ip in
            Answer(ip: ip, alternative: others.isEmpty ? nil : others[index % others.count])
        }
    }
}
