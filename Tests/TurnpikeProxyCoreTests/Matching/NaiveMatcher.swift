// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeProxyCore

/// The documented order of precedence in its plainest form: look at every combination of host, path and method of every
/// entry, rank those that match, take the first. What ``RouteTable`` is measured by.
struct NaiveMatcher {
    let entries: [RouteEntry]

    enum Answer: Equatable {
        case route(Int)
        case methodNotAllowed
        case notFound
    }

    func match(_ request: NaiveRequest) -> Answer {
        let (host, path, method) = (request.host, request.path, request.method)
        var best: (rank: [Int], index: Int)?
        var placeFits = false
        var conditionFailed = false
        for entry in entries {
            for hostRank in hostRanks(entry, host) {
                for pattern in entry.paths {
                    guard let pathRank = pathRank(pattern, path) else { continue }
                    placeFits = true
                    guard let methodRank = methodRank(entry, method) else { continue }
                    guard entry.conditions.allSatisfy(request.fulfils) else {
                        conditionFailed = true
                        continue
                    }
                    var rank = [-entry.priority] + hostRank + pathRank + [-entry.conditions.count]
                    if case .regex = pattern {} else { rank.append(methodRank) }
                    rank.append(entry.index)
                    if best.map({ rank.lexicographicallyPrecedes($0.rank) }) ?? true { best = (rank, entry.index) }
                }
            }
        }
        return best.map { .route($0.index) } ?? (placeFits && !conditionFailed ? .methodNotAllowed : .notFound)
    }

    private func hostRanks(_ entry: RouteEntry, _ host: String) -> [[Int]] {
        guard !entry.hosts.isEmpty else { return [[2, 0]] }
        let host = host.lowercased()
        return entry.hosts.compactMap { pattern in
            guard pattern.hasPrefix("*.") else { return pattern == host ? [0, 0] : nil }
            let suffix = pattern.dropFirst()
            return host.hasSuffix(suffix) && host.utf8.count > suffix.utf8.count ? [1, -suffix.utf8.count] : nil
        }
    }

    private func methodRank(_ entry: RouteEntry, _ method: String) -> Int? {
        if entry.methods.contains(method) { return 0 }
        if entry.methods.isEmpty { return 1 }
        return method == "HEAD" && entry.methods.contains("GET") ? 2 : nil
    }

    /// Of equal length for patterns of one kind that can match the same path.
    private func pathRank(_ pattern: PathPattern, _ path: String) -> [Int]? {
        switch pattern {
        case .exact(let text): return text == path ? [0] : nil
        case .template(let text):
            let segments = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            let actual = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            return templateRank(segments[...], actual[...]).map { [1] + $0 }
        case .prefix(let text):
            let isMatch = text.hasSuffix("/") ? path.hasPrefix(text) : path == text || path.hasPrefix(text + "/")
            return isMatch ? [2, -text.utf8.count] : nil
        case .regex(let text):
            // The expressions of these tests mean the same to Swift.
            guard let regex = try? Regex(text), path.wholeMatch(of: regex) != nil else { return nil }
            return [3]
        }
    }

    private func templateRank(_ pattern: ArraySlice<String>, _ path: ArraySlice<String>) -> [Int]? {
        guard let first = pattern.first else { return path.isEmpty ? [] : nil }
        guard let segment = path.first else { return nil }
        if first.hasSuffix("+}") {
            let after = pattern.count - 1
            guard path.count > after, !segment.isEmpty else { return nil }
            return templateRank(pattern.dropFirst(), path.suffix(after)).map { [3, -after] + $0 }
        }
        guard let rank = segmentRank(first, segment) else { return nil }
        return templateRank(pattern.dropFirst(), path.dropFirst()).map { rank + $0 }
    }

    private func segmentRank(_ pattern: String, _ segment: String) -> [Int]? {
        guard let open = pattern.firstIndex(of: "{"), let close = pattern.firstIndex(of: "}") else {
            return pattern == segment ? [0] : nil
        }
        let (prefix, suffix) = (pattern[..<open], pattern[pattern.index(after: close)...])
        let literalCount = prefix.utf8.count + suffix.utf8.count
        guard segment.utf8.count > literalCount, segment.hasPrefix(prefix), segment.hasSuffix(suffix) else {
            return nil
        }
        return literalCount == 0 ? [2] : [1, -literalCount, -prefix.utf8.count]
    }
}
