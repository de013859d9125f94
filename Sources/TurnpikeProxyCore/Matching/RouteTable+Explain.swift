// SPDX-License-Identifier: Apache-2.0

extension RouteTable {
    /// How one entry fared against one request.
    public struct Candidate: Sendable, Hashable {
        public enum Verdict: Sendable, Hashable {
            /// The request goes here.
            case selected
            /// It matches, but the selected route comes before it by the order of precedence.
            case precedence
            /// Host, path and method match; this condition does not.
            case condition(ConditionFailure)
            /// Host and path match; it does not take the method.
            case method
            /// The host matches; no path of it does.
            case path
            /// No host of it matches.
            case host
        }

        /// Of the entry.
        public let index: Int
        public let verdict: Verdict

        public init(index: Int, verdict: Verdict) {
            self.index = index
            self.verdict = verdict
        }
    }

    /// How every entry fares against a request, by the search that `lookup` makes, only not cut short: the selected
    /// one first, then the others that match in order of precedence, then by how far they came, and by index. Costs
    /// and allocates in proportion to the table.
    public func explain(_ request: RequestFacts) -> [Candidate] {
        var choice = Choice(request.method)
        search(for: request, visitor: &choice)
        var everything = Everything()
        search(for: request, visitor: &everything)
        let order = members.indices.sorted { members[$0].index < members[$1].index }
        var numbers = order
        for (number, position) in order.enumerated() { numbers[position] = number }

        var standings = RouteStandings(of: order.map { members[$0].prepared }, against: request)
        for place in everything.places {
            for candidate in candidates[terminals[place.terminal].candidates] {
                standings.note(candidate, of: self, as: numbers[candidate.entry])
            }
        }
        if let best = choice.best { standings.select(numbers[candidates[best].entry]) }
        return standings.ordered.map { Candidate(index: members[order[$0.number]].index, verdict: $0.verdict) }
    }
}

/// How routes fare against one request, gathered from the places that a search comes to. Routes go by numbers, the older first.
struct RouteStandings {
    private let request: RequestFacts
    private let wanted: WantedMethod
    private var verdicts: [RouteTable.Candidate.Verdict]
    /// In order of precedence within a priority.
    private var matching: [(number: Int, priority: Int)] = []

    init(of entries: [PreparedEntry], against request: RequestFacts) {
        self.request = request
        wanted = WantedMethod(request.method)
        verdicts = entries.map { entry in
            entry.hosts.isEmpty || entry.hosts.contains { $0.takes(request.host) } ? .path : .host
        }
    }

    /// Notes a route at a place that host and path fit.
    mutating func note(_ candidate: RouteCandidate, of table: RouteTable, as number: Int) {
        let isSubstitute = !wanted.substitute.isEmpty && candidate.methods.contains(wanted.substitute)
        if isSubstitute || wanted.isTaken(by: candidate, in: table) {
            if let failure = table.members[candidate.entry].prepared.failure(for: request) {
                verdicts[number] = .condition(failure)
            } else {
                verdicts[number] = .precedence
                matching.append((number, candidate.priority))
            }
        } else if verdicts[number] == .path {
            verdicts[number] = .method
        }
    }

    mutating func select(_ number: Int) { verdicts[number] = .selected }

    var ordered: [(number: Int, verdict: RouteTable.Candidate.Verdict)] {
        // A route counts where it does best: at its first place within its priority.
        var ranks = [Int](repeating: .max, count: verdicts.count)
        let byPriority = matching.enumerated().sorted {
            ($1.element.priority, $0.offset) < ($0.element.priority, $1.offset)
        }
        for (rank, match) in byPriority.enumerated() where ranks[match.element.number] == .max {
            ranks[match.element.number] = rank
        }
        return verdicts.indices
            .sorted { (verdicts[$0].order, ranks[$0], $0) < (verdicts[$1].order, ranks[$1], $1) }
            .map { ($0, verdicts[$0]) }
    }
}

extension RouteTable.Candidate.Verdict {
    fileprivate var order: Int {
        switch self {
        case .selected: 0
        case .precedence: 1
        case .condition: 2
        case .method: 3
        case .path: 4
        case .host: 5
        }
    }
}
