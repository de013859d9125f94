// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

extension ControlPlane {
    /// What a bundle that says all this again would hold: applied to the same state it changes nothing.
    ///
    /// - Parameters:
    ///   - tenant: by name or id: the tenant itself and all that it has; `nil`: every tenant.
    ///   - kinds: those of which resources are wanted; `nil`: all that describe what is served, so neither operators
    ///     nor join tokens.
    ///   - labels: only resources that carry all of these.
    /// - Returns: the resources of one revision, in the order of bundles, and that revision.
    /// - Throws: `notFound` for a tenant that is not there, or out of sight; `invalidParameter` where there are more
    ///   resources than a bundle holds.
    public func export(
        tenant: String?, kinds: Set<Kind>?, labels: Labels, for authority: Authority
    ) async throws(TurnpikeError) -> (resources: [Resource], revision: Revision) {
        let only = try (tenant ?? authority.tenant).map { name throws(TurnpikeError) in
            try resource(.tenant, tenant: nil, name: name, for: authority).key.name
        }
        let kinds = (kinds ?? [.tenant, .service, .route, .apiKey, .quota, .policy, .certificate])
            .filter { $0.spec.isCreatedByClients }.sorted()
        // Of all tenants there may be very many: to count them is a walk itself.
        let count = only.map { tenant in
            kinds.flatMap { view.collections(of: $0, tenant: tenant, for: authority) }
                .reduce(0) { $0 + view.count(of: $1) }
        }
        return try await largeWork.run(if: count ?? .max >= LargeWork.leastResources) {
            [view] () throws(TurnpikeError) in
            let (found, revision) = view.gather(kinds, tenant: only, for: authority, limit: Bundle.maximumItems + 1)
            guard found.count <= Bundle.maximumItems else {
                throw TurnpikeError(
                    .invalidParameter,
                    "A bundle holds at most \(Bundle.maximumItems) resources: export by tenant or kind.")
            }
            let resources = found.filter { resource in
                let isWanted = only == nil || resource.key.kind != .tenant || resource.key.name == only
                return isWanted && authority.sees(resource) && resource.labels.satisfy(labels)
            }
            return (resources, revision)
        }
    }
}

extension SharedView {
    /// Resources of one revision, in the order of bundles, at most `limit`.
    ///
    /// Walked a stretch at a time, so that nobody waits for a large export, and put right by what was written meanwhile, so
    /// that no number of writes keeps it from its end.
    fileprivate func gather(
        _ kinds: [Kind], tenant: String?, for authority: Authority, limit: Int
    ) -> (resources: [Resource], Revision) {
        let walk = beginWalk()
        defer { end(walk) }
        var found: [Resource] = []
        for kind in kinds {
            for collection in collections(of: kind, tenant: tenant, for: authority) where found.count < limit {
                forEachResource(in: collection, after: nil) { resource in
                    found.append(resource)
                    return found.count < limit
                }
            }
        }
        let late = late(walk)
        guard found.count < limit, !late.resources.isEmpty else { return (found, late.revision) }
        found.removeAll { late.resources.keys.contains($0.key) }
        found += late.resources.values.compactMap(\.self).filter { resource in
            let isWithin = tenant == nil || resource.key.tenant == nil || resource.key.tenant == tenant
            return isWithin && kinds.contains(resource.key.kind)
        }
        return (found.sorted { $0.key.precedes($1.key) }, late.revision)
    }

    /// What of a kind an export looks through.
    fileprivate func collections(of kind: Kind, tenant: String?, for authority: Authority) -> [CollectionKey] {
        switch kind.scope {
        case .tenant: (tenant.map { [$0] } ?? tenants()).map { CollectionKey(kind, tenant: $0) }
        case .global: [authority.part(of: CollectionKey(kind, tenant: kind == .tenant ? tenant : nil))]
        }
    }
}

extension Resource {
    /// The resource as an item of a bundle.
    public var bundleItem: JSON {
        .object(
            JSONObject([
                "kind": .string(key.kind.rawValue), "tenant": key.tenant.map { .string($0) }, "name": .string(key.name),
                "labels": labels.isEmpty ? nil : labels.json, "spec": bundleSpec,
            ]))
    }
}
