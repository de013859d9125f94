// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

extension ControlPlane {
    /// Applies a bundle: all of it as one revision, or nothing.
    ///
    /// References, hosts and deletions are checked against the state that the whole bundle leads to, so its parts may
    /// need each other in any order.
    ///
    /// - Throws: `forbidden` to those whose authority does not reach so far; `invalidResource`, `hostTaken` or `stillReferenced` with every
    ///   fault at once, by pointers into the bundle; `overloaded`; `storageFailed`.
    public func apply(_ bundle: Bundle, _ context: WriteContext) async throws(TurnpikeError) -> ApplyOutcome {
        let authority = try Authority(of: context.principal)
        if authority.tenant != nil, bundle.count > tenantLimits.bundleItems {
            try bundle.check(against: authority)
            throw TurnpikeError(
                .invalidResource, "A bundle of a tenant's own may hold \(tenantLimits.bundleItems) items at most.")
        }
        // All that can be told before its turn, in which everybody waits.
        let (taken, tenant) = try await largeWork.run(if: bundle.count >= CommitRequest.largeSize) {
            [view, intake] () throws(TurnpikeError) in
            try bundle.check(against: authority)
            var taken = try bundle.taken(by: intake)
            taken.prepare(upon: view)
            return (taken, taken.onlyTenant)
        }
        let pruning = try await pruning(for: taken, authority)
        defer { if let pruning { view.end(pruning.walk) } }
        let size = taken.count + (pruning?.candidates.count ?? 0)
        let receipt = try await commit(context, of: tenant, size: size) { draft throws(TurnpikeError) in
            taken.write(to: draft, pruning, for: authority)
            return nil
        }
        return await outcome(of: receipt)
    }

    func outcome(of receipt: CommitReceipt) async -> ApplyOutcome {
        await largeWork.finish(if: receipt.changes.count >= CommitRequest.largeSize) { ApplyOutcome(receipt) }
    }

    private func pruning(for bundle: Bundle, _ authority: Authority) async throws(TurnpikeError) -> Pruning? {
        guard let labels = bundle.pruneLabels else { return nil }
        let collections = Set(bundle.collections.map { authority.part(of: $0) })
        let count = collections.reduce(0) { $0 + view.count(of: $1) }
        let walk = view.beginWalk()
        do throws(TurnpikeError) {
            return try await largeWork.run(if: count >= LargeWork.leastResources) { [view] in
                Pruning(labels: labels, collections: collections, walk: walk, in: view)
            }
        } catch {
            view.end(walk)
            throw error
        }
    }
}

extension Bundle {
    /// Faults what lies in tenants out of sight, in the words for tenants that are not there.
    func check(against authority: Authority) throws(TurnpikeError) {
        for kind in Set(items.map(\.key.kind)).union(deletions.map(\.key.kind)) { try authority.requireWriting(kind) }
        let places = items.map { ($0.key, $0.pointer) } + deletions.map { ($0.key, $0.pointer) }
        let problems = places.filter { !authority.sees(CollectionKey(of: $0.0)) }.map {
            Problem(noTenantOf: $0.0, at: $0.1)
        }
        guard problems.isEmpty else { throw TurnpikeError(problems) }
    }

    fileprivate func write(to draft: Draft, _ pruning: Pruning?, for authority: Authority) {
        let pruned = pruning.map { self.pruned(by: $0, in: draft, for: authority) } ?? []
        draft.reserve(count)
        for item in items {
            let place = item.pointer.appending("spec")
            if let prepared = item.prepared, draft.update(prepared, at: place) { continue }
            if let existing = draft.resource(item.key) {
                draft.update(existing, labels: item.labels, spec: item.spec, at: place)
            } else if !Name.isValid(item.key.name) {
                draft.problems.append(
                    Problem(
                        .invalidResource, at: item.pointer.appending("name"), .format,
                        "There is no \(item.key), and a new one's name \(Name.rule)."))
            } else {
                let collection = CollectionKey(of: item.key)
                draft.create(in: collection, name: item.key.name, labels: item.labels, spec: item.spec, at: place)
            }
        }
        let explicit = deletions.filter { draft.resource($0.key).map { authority.sees($0) } ?? false }
        for deletion in (explicit + pruned).sorted(by: { $0.key.precedes($1.key) }).reversed() {
            draft.delete(deletion.key, at: deletion.pointer)
        }
        reportMissingTenants(to: draft)
    }

    /// The tenant that all of it is about; `nil` where it is about several, or about what has none.
    fileprivate var onlyTenant: String? {
        let tenants = Set(items.map(\.key.tenant)).union(deletions.map(\.key.tenant))
        return tenants.count == 1 ? tenants.first ?? nil : nil
    }

    /// What pruning deletes beside the deletions that the bundle names.
    private func pruned(by pruning: Pruning, in draft: Draft, for authority: Authority) -> [Deletion] {
        let named = Set(items.map(\.key)).union(deletions.map(\.key))
        let pointer = JSONPointer().appending("prune")
        return pruning.keys(in: draft).subtracting(named).compactMap { key in
            guard let resource = draft.resource(key), authority.sees(resource), resource.labels.satisfy(pruning.labels)
            else { return nil }
            return Deletion(key: key, pointer: pointer)
        }
    }

    /// All that its tenants have, so that the last resource of a kind is pruned too; of what has no tenant, the kinds that
    /// it holds: a bundle about services says nothing about operators.
    fileprivate var collections: [CollectionKey] {
        let keys = items.map(\.key) + deletions.map(\.key)
        let tenants = Set(keys.compactMap { $0.kind == .tenant ? $0.name : $0.tenant })
        let kinds = Set(items.map(\.key.kind)).filter { $0.scope == .global }
        return kinds.map { CollectionKey($0) } + tenants.flatMap { CollectionKey.children(of: $0) }
    }

    private func reportMissingTenants(to draft: Draft) {
        let tenants = Set(items.compactMap(\.key.tenant))
        let missing = tenants.filter { draft.resource(ResourceKey(.tenant, name: $0)) == nil }
        guard !missing.isEmpty else { return }
        for item in items {
            guard let tenant = item.key.tenant, missing.contains(tenant) else { continue }
            draft.problems.append(Problem(noTenantOf: item.key, at: item.pointer))
        }
    }
}

/// What a bundle's pruning may delete, found before the write has its turn: to look for it takes as long as the bundle's tenants
/// are large, and all writes would wait.
private struct Pruning: Sendable {
    let labels: Labels
    let walk: Walk
    private let collections: Set<CollectionKey>
    let candidates: Set<ResourceKey>

    init(labels: Labels, collections: Set<CollectionKey>, walk: Walk, in view: SharedView) {
        self.labels = labels
        self.walk = walk
        self.collections = collections
        var candidates: Set<ResourceKey> = []
        for collection in collections {
            view.forEachResource(in: collection, after: nil) { resource in
                if resource.labels.satisfy(labels) { candidates.insert(resource.key) }
                return true
            }
        }
        self.candidates = candidates
    }

    /// All that may carry the labels in a state.
    func keys(in draft: Draft) -> Set<ResourceKey> {
        candidates.union(
            draft.keysChanged(since: walk).filter { key in
                draft.resource(key)?.collections.contains { collections.contains($0) } ?? false
            })
    }
}

extension Problem {
    fileprivate init(noTenantOf key: ResourceKey, at pointer: JSONPointer) {
        self.init(
            .invalidResource, at: pointer.appending("tenant"), .reference, "There is no tenant '\(key.tenant ?? "")'.")
    }
}

extension ResourceKey {
    /// The order of bundles: kinds so that what is referred to comes first, then tenants, then names.
    func precedes(_ other: ResourceKey) -> Bool {
        (kind, tenant ?? "", name) < (other.kind, other.tenant ?? "", other.name)
    }
}
