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
        let wanted = WantedMethod(request.method)
        var choice = Choice(request.method)
        search(for: request, visitor: &choice)
        var everything = Everything()
        search(for: request, visitor: &everything)

        var verdicts = [Candidate.Verdict](repeating: .host, count: entries.count)
        for bucket in everything.buckets {
            for entry in buckets[Int(bucket)].entries { verdicts[entry] = .path }
        }
        var matching: [RouteCandidate] = []
        for terminal in everything.terminals {
            for candidate in candidates[terminals[terminal].candidates] {
                let isSubstitute = !wanted.substitute.isEmpty && candidate.methods.contains(wanted.substitute)
                if isSubstitute || wanted.isTaken(by: candidate, in: self) {
                    if let failure = programs[candidate.entry].failure(for: request) {
                        verdicts[candidate.entry] = .condition(failure)
                    } else {
                        verdicts[candidate.entry] = .precedence
                        matching.append(candidate)
                    }
                } else if verdicts[candidate.entry] == .path {
                    verdicts[candidate.entry] = .method
                }
            }
        }
        if let best = choice.best { verdicts[candidates[best].entry] = .selected }
        return ordered(verdicts, matching: matching)
    }

    private func ordered(_ verdicts: [Candidate.Verdict], matching: [RouteCandidate]) -> [Candidate] {
        // An entry counts where it does best: at its first place within its priority.
        var ranks = [Int](repeating: .max, count: entries.count)
        let byPriority = matching.enumerated().sorted {
            ($1.element.priority, $0.offset) < ($0.element.priority, $1.offset)
        }
        for (rank, match) in byPriority.enumerated() where ranks[match.element.entry] == .max {
            ranks[match.element.entry] = rank
        }
        return entries.indices
            .sorted { left, right in
                (verdicts[left].order, ranks[left], entries[left].index)
                    < (verdicts[right].order, ranks[right], entries[right].index)
            }
            .map { Candidate(index: entries[$0].index, verdict: verdicts[$0]) }
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
