// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Which resources of a collection, and how many.
public struct ListQuery: Sendable {
    /// Only resources that carry all of these.
    public var labels: Labels
    /// Only resources whose public document has these top-level fields. Strings compare to the letter, integers and
    /// booleans by their JSON text; a field of another type, or one that is absent, matches nothing.
    public var fields: [(name: String, value: String)]
    /// Resources up to and including this name are left out; `nil` for the first page.
    public var after: String?
    /// At least 1.
    public var limit: Int

    public init(
        labels: Labels = [:], fields: [(name: String, value: String)] = [], after: String? = nil, limit: Int = 100
    ) {
        self.labels = labels
        self.fields = fields
        self.after = after
        self.limit = limit
    }
}

/// A page of a collection, ordered by name.
public struct ResourcePage: Sendable {
    public var resources: [Resource]
    /// The name to go on after, which need not be the last resource's; `nil` on the last page.
    public var next: String?

    public init(resources: [Resource], next: String?) {
        self.resources = resources
        self.next = next
    }
}
