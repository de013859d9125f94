// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Finds the route of a request among any number of them, in time that follows the request and not the table.
///
/// ## Order of precedence
/// Of all routes whose host, path, method and conditions match, one is chosen. The first rule that tells two apart decides:
/// 1. **Priority**: the higher.
/// 2. **Host**: exact, before the longest wildcard, before shorter ones, before routes for every host.
/// 3. **Kind of path**: exact, before template, before prefix, before regex.
/// 4. **Path**, within a kind:
///    - templates segment by segment from the left: literal, before literal with a parameter (more literal bytes
///      first, then the longer text before the parameter, then by those bytes), before `{name}`, before `{name+}`;
///      two that have `{name+}` at the same place: first the one with more segments behind it, then by these
///      segments;
///    - prefixes: the longer;
///    - regexes are not told apart by themselves.
/// 5. **Conditions**: the route that has more of them.
/// 6. **Method**: named by the route, before routes for every method (of regexes, by index only). HEAD is also taken by
///    routes that name GET and not HEAD, after both.
/// 7. **Index**: the lower.
///
/// A more specific place without a route for the method, or none whose conditions hold, does not hide a less specific
/// one that has it. Where no route matches the answer is "not found"; but "method not allowed" where the method alone
/// is in the way of all routes for host and path. Templates that differ only in the names of parameters are one
/// place.
///
/// ## Cost
/// A hash of the host, then one hash per segment of the path. Where a path fits several templates, places without
/// the method make the search go back; what it visits is bounded by the templates of that host which fit the path.
/// Regexes are tried only where nothing above them has matched: one after the other those of the host whose literal segments (up to
/// eight, from the left) the path has too, which are found by a hash for each segment. Conditions are held against
/// the request only for routes that are left by host, path and method, in order of precedence and up to the first whose
/// conditions hold: what that costs follows the routes of those very places. A lookup allocates nothing, unless the answer is "method not allowed" and routes there name methods of their own.
///
/// Immutable, and so shared between loops freely.
public final class RouteTable: Sendable {
    /// The answer to a lookup.
    public enum Match: Sendable, Hashable {
        /// The index of the entry that takes the request.
        case route(Int)
        /// Routes take this host and path, but not the method; these methods they do take. See ``allowHeader(_:)``.
        case methodNotAllowed(AllowedMethods)
        case notFound
    }

    /// Why a table cannot be built.
    public struct Fault: Error, Sendable, Hashable {
        public enum Reason: Error, Sendable, Hashable {
            case badHost
            case noPath
            case notAbsolute
            case emptySegment
            case dotSegment
            case badCharacter
            /// Braces that are not one `{name}`, a greedy one with text around it, or a name of other characters than
            /// letters, digits, `_`, `-` and `.`.
            case badParameter
            case severalGreedyParameters
            case tooManySegments
            /// More than 64 different texts around a parameter at one place.
            case tooManyAffixes
            case badExpression(PathExpression.Fault)
            /// More than ``RouteTable/mostTests`` tests.
            case tooManyConditions
        }

        /// Index of the entry at fault.
        public let index: Int
        /// The host or path at fault.
        public let pattern: String
        public let reason: Reason

        public init(index: Int, pattern: String, reason: Reason) {
            self.index = index
            self.pattern = pattern
            self.reason = reason
        }
    }

    /// Tests in all conditions of one entry.
    public static let mostTests = 128

    struct Member: Sendable {
        let prepared: PreparedEntry
        /// What a lookup answers with.
        let index: Int
    }

    /// By position of the entry.
    let members: [Member]
    /// Among the shares of a whole; 0 of a table that is whole by itself.
    let number: Int
    /// Buckets; in a share, numbers of hosts.
    let hosts: ByteMap
    let hasWildcards: Bool
    let buckets: [RouteBucket]
    /// In a share: buckets, by number of the host and stem.
    let stems: ByteMap
    /// The bucket of routes for every host; zero where there are none.
    let anyHost: UInt32
    let exactPaths: ByteMap
    let edges: ByteMap
    let nodes: [TrieNode]
    let affixes: [Affix]
    let tails: [GreedyTail]
    /// In groups of the same literal segments, each in order of precedence.
    let expressions: [RegexPlace]
    /// By bucket and literal segments: place in `groupRanges`.
    let groups: ByteMap
    /// Ranges in `expressions`. The first is unused.
    let groupRanges: [Range<Int>]
    let terminals: [Terminal]
    let candidates: [RouteCandidate]

    /// Builds a table.
    ///
    /// - Parameters:
    ///   - entries: in any order.
    ///   - hashSeed: random and secret in production, so that nobody can make patterns or requests collide.
    /// - Throws: the first fault, naming its entry.
    public convenience init(_ entries: [RouteEntry], hashSeed: UInt64) throws(Fault) {
        let members = entries.map { Member(prepared: PreparedEntry($0), index: $0.index) }
        try self.init(members, hashSeed: hashSeed, share: nil)
    }

    /// Builds one of several tables, which holds of all entries no more than what lies in its share. Every entry names hosts.
    init(_ members: [Member], hashSeed: UInt64, share: RouteShare?) throws(Fault) {
        var builder = RouteTableBuilder(hashSeed: hashSeed, share: share, for: members)
        for position in members.indices { try builder.insert(members[position], at: position) }
        let places = builder.laidOut()
        self.members = members
        number = share?.number ?? 0
        hosts = builder.hosts
        hasWildcards = builder.hasWildcards
        buckets = builder.buckets
        stems = builder.stems
        anyHost = builder.anyHost
        exactPaths = builder.exactPaths
        edges = builder.edges
        nodes = builder.nodes
        affixes = places.affixes
        tails = places.tails
        expressions = places.expressions
        groups = builder.groups
        groupRanges = places.groupRanges
        terminals = places.terminals
        candidates = places.candidates
    }

    /// The value of `Allow`: names separated by commas, HEAD wherever there is GET.
    public func allowHeader(_ allowed: AllowedMethods) -> String { allowed.header }
}
