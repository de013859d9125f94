// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// What the compiler sees of the state: look-ups, so that compiling a change need not read what it does not touch.
public protocol ResourceView {
    func resource(_ key: ResourceKey) -> Resource?
    /// A tenant's resources of a kind, ordered by name.
    func resources(of kind: Kind, tenant: String) -> [Resource]
    /// The names of all tenants, ordered.
    func tenants() -> [String]
}
