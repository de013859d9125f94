// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
import TurnpikeTelemetry

extension ControlPlane {
    /// The log's entry of a revision, with those of its changes that are in sight.
    ///
    /// - Throws: `notFound`, also where nothing of it is in sight; `revisionGone`; `storageFailed`.
    public func record(
        _ revision: Revision, for authority: Authority
    ) async throws(TurnpikeError) -> RevisionRecord {
        let query = LogQuery(above: revision - 1, below: revision + 1, limit: 1)
        if let record = try await records(query, for: authority).records.first { return record }
        throw TurnpikeError(.notFound, "There is no revision \(revision).")
    }

    /// That something of a revision is in sight: what else is asked of it, such as its rollout, would tell that others write.
    ///
    /// - Throws: as ``record(_:for:)``; nothing to those who see everything.
    public func requireSight(of revision: Revision, for authority: Authority) async throws(TurnpikeError) {
        if authority.tenant != nil { _ = try await record(revision, for: authority) }
    }

    /// Entries of the log, with those of their changes that were asked for and are in sight. A page ends where its entries,
    /// its changes, or the entries that it looked at are as many as the query allows, and says where the next one goes on.
    ///
    /// - Throws: `notFound` for a tenant that is not there, or out of sight; `revisionGone` where entries that were
    ///   asked for by revision are no longer kept; `storageFailed`.
    public func records(
        _ query: LogQuery, for authority: Authority
    ) async throws(TurnpikeError) -> LogPage {
        let query = try query.within(authority, view)
        do {
            let page = try await store.records(query)
            // Looked up after the entries: what was forgotten in between is noticed.
            let start = try await store.logStart().revision
            guard query.above == 0 || query.above >= start else {
                throw TurnpikeError(.revisionGone, "The log begins after revision \(start).")
            }
            return page
        } catch { throw .storage(error) }
    }

    /// The log from a revision on, and where `isWatching` all that is written from then on.
    ///
    /// - Parameter holder: whose token it is: the feed ends once that is no longer good, or reaches elsewhere. `nil`: the
    ///   control plane's own.
    /// - Throws: as `records` does; `rateLimited` and `overloaded` where too many feeds are open.
    public func changes(
        after revision: Revision, tenant: String?, kind: Kind?, isWatching: Bool, for authority: Authority,
        holder: Principal? = nil
    ) throws(TurnpikeError) -> ChangeFeed {
        var query = LogQuery(above: revision, limit: ChangeFeed.pageSize)
        query.tenant = tenant
        query.kind = kind
        query = try query.within(authority, view)
        let place: FeedPlaces.Place
        do { place = try feedPlaces.take(for: authority.tenant, tenantLimit: tenantLimits.feeds) } catch {
            metrics.rateLimited(of: "feeds").increment()
            throw error
        }
        return ChangeFeed(control: self, query: query, isWatching: isWatching, holder: holder, place: place)
    }

    /// Returns once readers see a revision, or the time is over.
    ///
    /// - Throws: `notReady` where it is over.
    public func waitForRevision(_ revision: Revision, timeout: Duration) async throws(TurnpikeError) {
        guard await publisher.waitForRevision(above: revision - 1, timeout: timeout) else {
            throw TurnpikeError(
                .notReady, "This server has not seen revision \(revision) yet.", retryAfter: .seconds(1))
        }
    }
}

extension LogQuery {
    /// The query as far as the authority sees.
    fileprivate func within(_ authority: Authority, _ view: SharedView) throws(TurnpikeError) -> LogQuery {
        var query = self
        if let named = tenant { query.tenant = try view.tenant(named, for: authority) }
        if let bound = authority.tenant { query.tenant = bound }
        return query
    }
}

extension SharedView {
    /// A tenant's name.
    ///
    /// - Parameter nameOrID: a name need not stand for a tenant that is there still: the log outlives tenants.
    /// - Throws: `notFound` where it is out of sight, or the id of none.
    fileprivate func tenant(_ nameOrID: String, for authority: Authority) throws(TurnpikeError) -> String {
        let name = read { $0.key(.tenant, tenant: nil, nameOrID: nameOrID)?.name }
        guard let name, authority.tenant == nil || authority.tenant == name else {
            throw .notFound(.tenant, tenant: nil, name: nameOrID)
        }
        return name
    }
}
