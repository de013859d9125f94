// SPDX-License-Identifier: Apache-2.0

/// Names in ascending order, kept in runs of bounded length, so that adding one to a collection of a million costs no
/// more than moving part of one run, and a page costs its own length.
struct SortedNames: Sendable {
    private static let runLimit = 512

    /// None empty; each run's names lie below the next run's.
    private var runs: [[String]] = []
    private(set) var count = 0

    /// Adds a name; one that is there already stays once.
    mutating func insert(_ name: String) {
        // Behind all others, as at a start, when names come in order.
        guard let last = runs.last?.last, name <= last, let run = run(for: name) else { return append(name) }
        let place = place(of: name, in: run)
        if place < runs[run].count, runs[run][place] == name { return }
        count += 1
        if runs[run].count < Self.runLimit {
            runs[run].insert(name, at: place)
        } else if place == Self.runLimit {
            runs.insert([name], at: run + 1)
        } else {
            let upper = Array(runs[run][(Self.runLimit / 2)...])
            runs[run].removeSubrange((Self.runLimit / 2)...)
            runs.insert(upper, at: run + 1)
            count -= 1
            insert(name)
        }
    }

    private mutating func append(_ name: String) {
        count += 1
        if let last = runs.indices.last, runs[last].count < Self.runLimit {
            runs[last].append(name)
        } else {
            runs.append([name])
        }
    }

    mutating func remove(_ name: String) {
        guard let run = run(for: name) else { return }
        let place = place(of: name, in: run)
        guard place < runs[run].count, runs[run][place] == name else { return }
        runs[run].remove(at: place)
        if runs[run].isEmpty { runs.remove(at: run) }
        count -= 1
    }

    /// The first names above `name` (from the start where it is `nil`), at most `limit`.
    func names(after name: String?, limit: Int) -> [String] {
        var run = 0
        var place = 0
        if let name, let found = self.run(for: name) {
            run = found
            place = self.place(of: name, in: found)
            if place < runs[run].count, runs[run][place] == name { place += 1 }
        }
        var names: [String] = []
        while run < runs.count, names.count < limit {
            names += runs[run][place...].prefix(limit - names.count)
            run += 1
            place = 0
        }
        return names
    }

    /// The last run that begins at or below the name; the first where none does; `nil` where there is no run.
    private func run(for name: String) -> Int? {
        guard !runs.isEmpty else { return nil }
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle][0] <= name { low = middle + 1 } else { high = middle }
        }
        return max(0, low - 1)
    }

    /// The place of the first name in the run that does not lie below `name`.
    private func place(of name: String, in run: Int) -> Int {
        var low = 0
        var high = runs[run].count
        while low < high {
            let middle = (low + high) / 2
            if runs[run][middle] < name { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
