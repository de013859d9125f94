// SPDX-License-Identifier: Apache-2.0

import TurnpikeCompiler
import TurnpikeModel

/// The state as a write would leave it: the write's changes over the state below. Drafts stand on one another, so that
/// the commands of a batch see what earlier ones did, and one that fails leaves no trace. Confined to the committer.
final class Draft: StateLayer {
    /// The revision that the write gets if it goes through.
    let revision: Revision
    let now: Timestamp
    let tenantLimits: TenantLimits
    /// Credentials made by the write, in plain text.
    var secrets: [ResourceKey: String] = [:]
    /// Resources that the write found to be as it wants them.
    var unchanged = 0
    var problems: [Problem] = []

    private struct Entry {
        let key: ResourceKey
        var change: Change
        /// Where the body that wrote the resource speaks of it.
        var pointer: JSONPointer?
    }

    private var below: any StateLayer
    /// In the order in which they were recorded.
    private var entries: [Entry] = []
    /// Where each key's entry stands.
    private var places: [ResourceKey: Int] = [:]
    /// Where the entries of each collection stand, once somebody has asked for them and until there is another one: whoever goes
    /// through many collections would go through all entries for each.
    private var placesByCollection: [CollectionKey: [Int]]?
    /// The changes, once somebody has asked for them and until there is another one.
    private var settled: [Change]?
    private var gainedReferrers: [ResourceKey: Set<ResourceKey>] = [:]
    private var lostReferrers: [ResourceKey: Set<ResourceKey>] = [:]
    private var claimDeltas: [String: [String: Int]] = [:]
    private var claimDeltasBelow: [String: [String: Int]] = [:]
    private var countDeltas: [CollectionKey: Int] = [:]

    init(
        over below: any StateLayer, revision: Revision, now: Timestamp, tenantLimits: TenantLimits = TenantLimits()
    ) {
        self.tenantLimits = tenantLimits
        self.below = below
        self.revision = revision
        self.now = now
    }

    /// What the draft changes, in the order in which it was recorded.
    var changes: [Change] {
        if let settled { return settled }
        let changes = Array(entries.lazy.map(\.change).filter { $0.before != nil || $0.after != nil })
        settled = changes
        return changes
    }

    /// Where the body that wrote the resource speaks of it; `nil` where no body does.
    func pointer(of key: ResourceKey) -> JSONPointer? { places[key].flatMap { entries[$0].pointer } }

    /// Makes room for what is about to be recorded.
    func reserve(_ count: Int) {
        entries.reserveCapacity(count)
        places.reserveCapacity(count)
    }

    /// Notes what becomes of a resource; `nil`: it goes.
    func record(_ key: ResourceKey, after: Resource?, at pointer: JSONPointer?) {
        record(key, from: resource(key), to: after, at: pointer)
    }

    /// - Parameter before: what the draft has under the key so far.
    func record(_ key: ResourceKey, from before: Resource?, to after: Resource?, at pointer: JSONPointer?) {
        let change = Change(before: before, after: after)
        record(key, Change(before: before, after: after, keepsPlace: change.keepsPlace), at: pointer)
    }

    /// - Parameter change: from what the draft has under the key so far.
    func record(_ key: ResourceKey, _ change: Change, at pointer: JSONPointer?) {
        settled = nil
        if let place = places[key] {
            let earlier = entries[place].change.before
            entries[place] = Entry(key: key, change: Change(before: earlier, after: change.after), pointer: pointer)
        } else {
            places[key] = entries.count
            placesByCollection = nil
            entries.append(Entry(key: key, change: change, pointer: pointer))
        }
        if change.keepsPlace { return }
        if let before = change.before { index(before, by: -1) }
        if let after = change.after { index(after, by: 1) }
    }

    /// Changes what lies below for a state that says the same.
    func rest(on below: any StateLayer) { self.below = below }

    /// Takes over what a draft upon this one came to.
    func absorb(_ draft: Draft) {
        guard !entries.isEmpty else { return adopt(draft) }
        for change in draft.changes {
            if let key = change.key { record(key, change, at: nil) }
        }
    }

    /// The same where nothing has changed yet, for the price of some references.
    private func adopt(_ draft: Draft) {
        (entries, places, placesByCollection) = (draft.entries, draft.places, draft.placesByCollection)
        settled = draft.settled
        (gainedReferrers, lostReferrers) = (draft.gainedReferrers, draft.lostReferrers)
        (claimDeltas, claimDeltasBelow) = (draft.claimDeltas, draft.claimDeltasBelow)
        countDeltas = draft.countDeltas
    }

    private func index(_ resource: Resource, by direction: Int) {
        let key = resource.key
        for target in resource.referenceTargets {
            // What was lost and comes again, or was gained and goes again, is as it was below.
            if direction > 0 {
                if lostReferrers[target]?.remove(key) == nil { gainedReferrers[target, default: []].insert(key) }
            } else {
                if gainedReferrers[target]?.remove(key) == nil { lostReferrers[target, default: []].insert(key) }
            }
        }
        for host in resource.hosts {
            claimDeltas[host, default: [:]][key.tenant ?? "", default: 0] += direction
            guard let parent = Host.parent(of: host) else { continue }
            claimDeltasBelow[parent, default: [:]][key.tenant ?? "", default: 0] += direction
        }
        countDeltas[CollectionKey(of: key), default: 0] += direction
    }
}

// MARK: - The state above

extension Draft {
    func resource(_ key: ResourceKey) -> Resource? {
        if let place = places[key] { entries[place].change.after } else { below.resource(key) }
    }

    func resources(in collection: CollectionKey) -> [Resource] {
        below.resources(in: collection).filter { places[$0.key] == nil }
            + places(in: collection).compactMap { entries[$0].change.after }
    }

    private func places(in collection: CollectionKey) -> [Int] {
        let known =
            placesByCollection ?? Dictionary(grouping: entries.indices) { CollectionKey(of: entries[$0].key) }
        placesByCollection = known
        return known[collection] ?? []
    }

    func count(of collection: CollectionKey) -> Int {
        below.count(of: collection) + countDeltas[collection, default: 0]
    }

    func keys(in collection: CollectionKey, limit: Int) -> [ResourceKey] {
        let kept = below.keys(in: collection, limit: limit + entries.count).filter { places[$0] == nil }
        let own = places(in: collection).lazy.filter { self.entries[$0].change.after != nil }
        return Array((kept + own.map { self.entries[$0].key }).prefix(limit))
    }

    func referrerCount(of key: ResourceKey) -> Int {
        below.referrerCount(of: key) - (lostReferrers[key]?.count ?? 0) + (gainedReferrers[key]?.count ?? 0)
    }

    func referrers(of key: ResourceKey, limit: Int) -> [ResourceKey] {
        let lost = lostReferrers[key] ?? []
        let kept = below.referrers(of: key, limit: limit + lost.count).filter { !lost.contains($0) }
        return Array((kept + (gainedReferrers[key] ?? [])).prefix(limit))
    }

    func keysChanged(since walk: Walk) -> Set<ResourceKey> {
        below.keysChanged(since: walk).union(entries.lazy.map(\.key))
    }

    func claims(on host: String) -> [String: Int] {
        guard let deltas = claimDeltas[host] else { return below.claims(on: host) }
        return below.claims(on: host).merging(deltas, uniquingKeysWith: +).filter { $0.value > 0 }
    }

    func claims(below parent: String) -> [String: Int] {
        guard let deltas = claimDeltasBelow[parent] else { return below.claims(below: parent) }
        return below.claims(below: parent).merging(deltas, uniquingKeysWith: +).filter { $0.value > 0 }
    }
}

// MARK: - What the compiler sees

extension Draft: ResourceView {
    func resources(of kind: Kind, tenant: String) -> [Resource] {
        resources(in: CollectionKey(kind, tenant: tenant)).sorted { $0.key.name < $1.key.name }
    }

    func tenants() -> [String] { resources(in: CollectionKey(.tenant)).map(\.key.name).sorted() }
}
