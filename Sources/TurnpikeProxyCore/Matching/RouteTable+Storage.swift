// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

// The parts of a table refer to each other by index, so that a lookup follows numbers through flat arrays. Index 0 of
// buckets, nodes and terminals is unused and means "none".

/// All routes of one host, one wildcard, or every host; in a share, of one place. Its own index is the scope of its exact paths,
/// and of its groups of regexes.
struct RouteBucket: Sendable {
    /// Roots of tries; zero where there is nothing in one.
    var templates: UInt32 = 0
    var prefixes: UInt32 = 0
    /// Segments of the paths that lead here, and that its tries begin behind.
    var depth = 0
    /// Whether there are regexes.
    var hasExpressions = false
    /// The highest priority in the bucket: one that cannot win is not searched.
    var maxPriority = Int.min
}

/// One place in a trie. Its children by literal segment are in `edges`, with its own index as scope.
struct TrieNode: Sendable {
    /// Child for `{name}`.
    var parameter: UInt32 = 0
    /// Routes whose pattern ends here.
    var terminal: UInt32 = 0
    /// Routes for prefixes that end in a slash here, and so need something below.
    var below: UInt32 = 0
    /// Range in `affixes`, in order of precedence.
    var affixes: Range<Int> = 0..<0
    /// Range in `tails`, in order of precedence.
    var tails: Range<Int> = 0..<0
    /// The highest priority here and below.
    var maxPriority = Int.min
}

/// A child for segments with literal text around a parameter.
struct Affix: Sendable {
    let prefix: [UInt8]
    let suffix: [UInt8]
    let child: UInt32

    /// Whether the segment fits, with at least one byte for the parameter.
    func fits(_ segment: UnsafeRawBufferPointer) -> Bool {
        segment.count > prefix.count + suffix.count && segment.starts(with: prefix)
            && segment.suffix(suffix.count).elementsEqual(suffix)
    }
}

/// What follows a `{name+}`: a trie of patterns that all have the same number of segments, and so have to fit the last
/// ones of a path.
struct GreedyTail: Sendable {
    let segmentCount: Int
    let root: UInt32
}

/// One regex of one entry.
struct RegexPlace: Sendable {
    let expression: PathExpression
    let terminal: UInt32
    /// Its place among those of its bucket, in order of precedence.
    var order = 0
}

/// The routes of one place, in order of precedence. Those that can never win, since others before them take all their
/// methods, come last and are kept for `explain` only.
struct Terminal: Sendable {
    let candidates: Range<Int>
    let liveCount: Int
    let methods: MethodSet
    let maxPriority: Int
}

/// One route at one place.
struct RouteCandidate: Sendable {
    /// Position in `members`.
    let entry: Int
    let index: Int
    let priority: Int
    let methods: MethodSet
    let conditionCount: Int
}
