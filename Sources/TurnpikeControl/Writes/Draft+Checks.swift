// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
import TurnpikeModel

extension Draft {
    /// Policies, and quotas, that one tenant may have: as many as a gateway holds each route against. And certificates,
    /// all of which every gateway holds in memory, ready to be shown.
    static let limitsPerTenant = 1024

    /// Checks the changes against the state that they lead to.
    ///
    /// - Throws: every problem at once.
    func check() throws(TurnpikeError) {
        let changes = changes
        let hasDeletions = changes.contains { $0.after == nil }
        for change in changes where hasDeletions || !change.isSettled {
            if let after = change.after {
                checkReferences(of: after)
                checkHosts(of: after)
                checkTimeZone(of: after)
                if change.before == nil { checkCount(of: after) }
            } else if let before = change.before {
                checkDeletion(of: before)
            }
            checkOwners(after: change)
        }
        guard problems.isEmpty else { throw TurnpikeError(problems) }
    }

    private func report(
        _ code: ErrorCode, _ key: ResourceKey, _ place: JSONPointer, _ rule: Fault.Rule, _ detail: String
    ) {
        problems.append(Problem(code, at: pointer(of: key)?.appending(place), rule, detail))
    }

    private func checkReferences(of resource: Resource) {
        for reference in resource.spec.references {
            let target = ResourceKey(reference.kind, tenant: resource.key.tenant, name: reference.name)
            guard self.resource(target) == nil else { continue }
            let detail = TurnpikeError.notFound(target).detail
            report(.invalidResource, resource.key, reference.pointer, .reference, detail)
        }
    }

    private func checkHosts(of resource: Resource) {
        for (index, host) in resource.hosts.enumerated() {
            guard isTaken(host, from: resource.key) else { continue }
            let place =
                resource.key.kind == .certificate
                ? JSONPointer().appending("chain")
                : JSONPointer().appending("match").appending("hosts").appending(index)
            report(.hostTaken, resource.key, place, .conflict, "The host '\(host)' is not to be had.")
        }
    }

    /// A route for a wildcard gets no requests for hosts that others have routes for; a certificate would be shown for them where
    /// there is no other, so it must not cover any.
    private func isTaken(_ host: String, from key: ResourceKey) -> Bool {
        if claims(on: host).keys.contains(where: { $0 != key.tenant }) { return true }
        guard key.kind == .certificate, host.hasPrefix("*.") else { return false }
        return claims(below: String(host.dropFirst(2))).keys.contains { $0 != key.tenant }
    }

    private func checkTimeZone(of resource: Resource) {
        guard resource.key.kind == .tenant, let tenant = resource.spec as? Tenant,
            !CalendarPeriod.isKnown(timeZone: tenant.timeZone)
        else { return }
        report(
            .invalidResource, resource.key, JSONPointer().appending("timeZone"), .choice,
            "'\(tenant.timeZone)' is not a time zone that this server knows. Use an IANA name such as 'Europe/Berlin'."
        )
    }

    /// Somebody must be left who can make operators: without one, nobody could ever be let in again.
    private func checkOwners(after change: Change) {
        guard let before = change.before, before.isLastingOwner, change.after?.isLastingOwner != true,
            !resources(in: CollectionKey(.operator)).contains(where: \.isLastingOwner)
        else { return }
        report(
            .lastOwner, before.key, JSONPointer(), .reference,
            "The \(before.key) is the last owner of the platform whose token does not expire."
        )
    }

    private func checkCount(of resource: Resource) {
        if resource.key.kind == .worker, count(of: CollectionKey(.worker)) > Fleet.mostWorkers {
            report(
                .overloaded, resource.key, JSONPointer(), .length,
                "There are \(Fleet.mostWorkers) workers already. Delete those that are gone.")
        }
        guard let tenant = resource.key.tenant else { return }
        let kind = resource.key.kind
        if [.policy, .quota, .certificate].contains(kind),
            count(of: CollectionKey(of: resource.key)) > Self.limitsPerTenant
        {
            report(
                .invalidResource, resource.key, JSONPointer(), .length,
                "A tenant may have at most \(Self.limitsPerTenant) \(kind.plural)."
            )
        }
        guard CollectionKey.children(of: tenant).reduce(0, { $0 + count(of: $1) }) > tenantLimits.resources else {
            return
        }
        report(
            .invalidResource, resource.key, JSONPointer(), .length,
            "A tenant may have at most \(tenantLimits.resources) resources."
        )
    }

    private func checkDeletion(of resource: Resource) {
        let referrerCount = referrerCount(of: resource.key)
        if referrerCount > 0 {
            let some = referrers(of: resource.key, limit: Self.consideredReferrers)
            report(stillNeeded: resource.key, by: some.map(\.description), count: referrerCount)
        }
        guard resource.key.kind == .tenant else { return }
        let collections = CollectionKey.children(of: resource.key.name)
        let count = collections.reduce(0) { $0 + self.count(of: $1) }
        if count > 0 {
            let some = collections.flatMap { keys(in: $0, limit: Self.namedReferrers) }.map(\.description)
            report(stillNeeded: resource.key, by: Array(some.prefix(Self.namedReferrers)), count: count)
        }
    }

    /// How many of the resources in the way a refusal names.
    private static let namedReferrers = 10
    /// Out of how many those come: the first by name as long as there are no more, so that what a hundred thousand need is
    /// refused as fast as what one needs.
    private static let consideredReferrers = 1000

    private func report(stillNeeded key: ResourceKey, by others: [String], count: Int) {
        let named = others.sorted().prefix(Self.namedReferrers)
        let more = count > named.count ? " and \(count - named.count) more" : ""
        report(
            .stillReferenced, key, JSONPointer(), .reference,
            "\(count) \(count == 1 ? "resource needs" : "resources need") the \(key): "
                + named.joined(separator: ", ") + more + "."
        )
    }
}

extension Change {
    /// Whether there is nothing to check where nothing is deleted beside it: what the resource refers to is there and its hosts
    /// are its tenant's, since both were so before.
    fileprivate var isSettled: Bool {
        switch key?.kind {
        case .route, .service, .apiKey, .quota, .policy: keepsPlace
        default: false
        }
    }
}

extension Resource {
    /// Whether it is an operator that may do everything, for ever.
    fileprivate var isLastingOwner: Bool {
        guard key.kind == .operator, let spec = spec as? Operator else { return false }
        return spec.role == .owner && spec.tenant == nil && spec.expiresAt == nil
    }
}
