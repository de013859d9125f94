// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeCompiler
import TurnpikeModel

/// The view, shared. Only the committer changes it; anybody reads. Every section under the lock is short: a collection
/// is read a stretch at a time. The exception is an export that writes have overtaken several times.
final class SharedView: Sendable, StateLayer, ResourceView {
    private static let stretch = 512

    private let view: Mutex<View>

    init(_ view: View = View()) { self.view = Mutex(view) }

    func read<Result: Sendable>(_ body: (View) -> Result) -> Result { view.withLock { body($0) } }

    /// Takes the records of a batch, in order.
    func apply(_ records: [RevisionRecord]) {
        view.withLock { view in
            for record in records { view.apply(record) }
        }
    }

    var revision: Revision { read(\.revision) }
    var logEnd: LogPosition { read(\.logEnd) }

    func resource(_ key: ResourceKey) -> Resource? { read { $0.resource(key) } }
    func count(of collection: CollectionKey) -> Int { read { $0.count(of: collection) } }
    func referrers(of key: ResourceKey) -> Set<ResourceKey> { read { $0.referrers(of: key) } }
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
