// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// What a bundle came to.
public struct ApplyOutcome: Sendable {
    public struct Entry: Sendable {
        public var key: ResourceKey
        public var effect: Change.Effect
        /// The credential that the creation made, in plain text, the only time that it is shown.
        public var secret: String?

        public init(key: ResourceKey, effect: Change.Effect, secret: String?) {
            self.key = key
            self.effect = effect
            self.secret = secret
        }
    }

    /// The bundle's revision; where nothing changed or in a dry run, the current one.
    public var revision: Revision
    /// Creations and updates in the order of kinds, tenants and names, then deletions in the opposite order.
    public var changes: [Entry]
    /// Resources of the bundle that were already as it says.
    public var unchanged: Int

    public init(revision: Revision, changes: [Entry], unchanged: Int) {
        self.revision = revision
        self.changes = changes
        self.unchanged = unchanged
    }
}
