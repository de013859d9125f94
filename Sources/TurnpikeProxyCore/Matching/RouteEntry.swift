// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// What one route asks of a request; the input of ``RouteTable``.
public struct RouteEntry: Sendable, Hashable {
    /// What a lookup answers with; the lowest wins where nothing else decides. Distinct within a table.
    public var index: Int
    /// Names such as `api.acme.test`, wildcards such as `*.acme.test` (one or more labels in front); empty for every
    /// host.
    public var hosts: [String]
    /// One of them must match.
    public var paths: [PathPattern]
    /// Names as on the wire; empty for every method.
    public var methods: [String]
    /// Higher wins before all else. Default 0.
    public var priority: Int
    /// All of them must hold, with at most ``RouteTable/mostTests`` tests.
    public var conditions: [ConditionExpression]

    public init(
        index: Int, hosts: [String], paths: [PathPattern], methods: [String] = [], priority: Int = 0,
        conditions: [ConditionExpression] = []
    ) {
        self.index = index
        self.hosts = hosts
        self.paths = paths
        self.methods = methods
        self.priority = priority
        self.conditions = conditions
    }
}

/// A pattern for paths in normal form (see ``PathNormaliser``). Literal text is brought into that form when the table
/// is built, so that `/caf%c3%a9`, `/caf%C3%A9` and `/café` are one pattern.
public enum PathPattern: Sendable, Hashable {
    /// The whole path.
    case exact(String)
    /// The path and what is below it, by whole segments: `/v1/orders` takes `/v1/orders` and `/v1/orders/7`, but not
    /// `/v1/ordersX`. With a slash at the end it takes only what is below: `/v1/orders/` and `/v1/orders/7`.
    case prefix(String)
    /// Segments, of which `{name}` stands for one that is not empty, `{name+}` (once, anywhere) for one or more, and
    /// `v{name}.json` for one with literal text around the parameter. A slash at the end belongs to the pattern.
    case template(String)
    /// A regular expression that the whole path must match; see ``PathExpression`` for what it may hold.
    case regex(String)

    /// The text, whichever the kind.
    public var text: String {
        switch self {
        case .exact(let text), .prefix(let text), .template(let text), .regex(let text): text
        }
    }
}
