// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeCompiler
import TurnpikeModel

/// The view, shared. Only the committer changes it; anybody reads. Every section under the lock is short: a collection
/// is read a stretch at a time.
final class SharedView: Sendable, StateLayer, ResourceView {
    private static let stretch = 512

    private struct State {
        var view: View
        var walks = Walks()
    }

    private let state: Mutex<State>

    init(_ view: View = View()) { state = Mutex(State(view: view)) }

    func read<Result: Sendable>(_ body: (View) -> Result) -> Result { state.withLock { body($0.view) } }

    /// Takes the records of a batch, in order.
    func apply(_ records: [RevisionRecord]) {
        state.withLock { state in
            for record in records {
                state.view.apply(record)
                state.walks.note(record)
            }
        }
    }

    /// Whoever begins a walk ends it.
    func beginWalk() -> Walk { state.withLock { $0.walks.begin() } }
    func end(_ walk: Walk) { state.withLock { $0.walks.end(walk) } }
    func keysChanged(since walk: Walk) -> Set<ResourceKey> { state.withLock { $0.walks.keysChanged(since: walk) } }

    /// What was written since a walk began, as it is now, and the revision that this shows.
    func late(_ walk: Walk) -> (resources: [ResourceKey: Resource?], revision: Revision) {
        state.withLock { state in
            var resources: [ResourceKey: Resource?] = [:]
            for key in state.walks.keysChanged(since: walk) {
                resources.updateValue(state.view.resource(key), forKey: key)
            }
            return (resources, state.view.revision)
        }
    }

    var revision: Revision { read(\.revision) }
    var logEnd: LogPosition { read(\.logEnd) }

    func resource(_ key: ResourceKey) -> Resource? { read { $0.resource(key) } }
    func count(of collection: CollectionKey) -> Int { read { $0.count(of: collection) } }
    func keys(in collection: CollectionKey, limit: Int) -> [ResourceKey] {
        read { $0.keys(in: collection, limit: limit) }
    }
    func referrerCount(of key: ResourceKey) -> Int { read { $0.referrerCount(of: key) } }
    func referrers(of key: ResourceKey, limit: Int) -> [ResourceKey] { read { $0.referrers(of: key, limit: limit) } }
    func claims(on host: String) -> [String: Int] { read { $0.claims(on: host) } }
    func claims(below parent: String) -> [String: Int] { read { $0.claims(below: parent) } }

    func resources(in collection: CollectionKey) -> [Resource] {
        var resources: [Resource] = []
        forEachResource(in: collection, after: nil) { resource in
            resources.append(resource)
            return true
        }
        return resources
    }

    /// Calls `each` for the resources of a collection above a name, in order, until it answers no. A change in between
    /// may or may not be seen.
    func forEachResource(in collection: CollectionKey, after name: String?, _ each: (Resource) -> Bool) {
        var last = name
        while true {
            let stretch = read { $0.resources(in: collection, after: last, limit: Self.stretch) }
            for resource in stretch where !each(resource) { return }
            guard stretch.count == Self.stretch else { return }
            last = stretch.last?.key.name
        }
    }

    // What the compiler sees.

    func resources(of kind: Kind, tenant: String) -> [Resource] { resources(in: CollectionKey(kind, tenant: tenant)) }
    func tenants() -> [String] { resources(in: CollectionKey(.tenant)).map(\.key.name) }
}
