// SPDX-License-Identifier: Apache-2.0

public import TurnpikeMetering
public import TurnpikeModel
public import TurnpikeSnapshot

/// The storage port: what the control plane needs of a database, small enough for another implementation in a week.
/// `StoreContract` in the tests says what every implementation must do.
///
/// Writers come one at a time per method family (the committer for `commit`, the ledger for usage, and beside that for leases); readers come
/// in any number. A method that returns has made its effect durable; one that throws has had none.
///
/// - Throws: `TurnpikeError` with `storageFailed` (cause inside) where the database fails.
public protocol Store: Sendable {
    // MARK: Resources and the log

    /// How many resources there are. Used once, at start.
    func resourceCount() async throws -> Int

    /// Calls `each` for every resource, ordered by kind, tenant and name. Used once, at start.
    func forEachResource(_ each: (Resource) throws -> Void) async throws

    /// The newest entry of the log; `.start` where nothing was ever written.
    func logEnd() async throws -> LogPosition

    /// The entry before the oldest that is kept; `.start` where none was ever forgotten.
    func logStart() async throws -> LogPosition

    /// Makes the records durable and their changes current, in one transaction. References between resources are
    /// enforced here too (foreign keys), deferred to the end of the transaction. The replies become durable with them.
    ///
    /// - Parameter done: called once, on whatever thread, when that is so, or has failed and had no effect; it returns at
    ///   once. A closure, since an `async` method would change threads twice more, and meanwhile the disk has nothing to do.
    func commit(
        _ records: [RevisionRecord], replies: [StoredReply], done: @escaping @Sendable (Result<Void, any Error>) -> Void
    )

    /// Entries of the log, with those of their changes that were asked for: as many as the query's limits allow. A page may have
    /// none and yet not be the last, where all that it looked at was not asked for.
    func records(_ query: LogQuery) async throws -> LogPage

    /// The revision after which the log has no more than so many changes, all entries together.
    func revision(before changes: Int) async throws -> Revision

    /// Forgets entries from before a time, but for the newest entry. Resources stay as they are. One call does no more than
    /// writes can wait for.
    ///
    /// - Returns: how many entries went; call again until none do.
    func forgetRecords(before: Timestamp) async throws -> Int

    // MARK: Health

    /// Writes something that means nothing, as durably as anything else.
    func tryWriting() async throws

    // MARK: Replies to requests that may be repeated

    /// Those of the replies that are known, by id.
    func replies(_ ids: [KeyDigest]) async throws -> [KeyDigest: StoredReply]

    /// Forgets replies given before a time.
    func forgetReplies(before: Timestamp) async throws

    // MARK: Use of credentials

    /// Notes when operators last used their tokens.
    func noteUse(_ uses: [ResourceID: Timestamp]) async throws

    /// When operators last used their tokens.
    func uses() async throws -> [ResourceID: Timestamp]

    // MARK: Sightings of workers

    /// Notes how workers were last seen, in the place of what was noted before, and forgets those that are no longer
    /// registered.
    func noteSightings(_ sightings: [ResourceID: WorkerSighting]) async throws

    /// How workers were last seen.
    func sightings() async throws -> [ResourceID: WorkerSighting]

    // MARK: The ledger

    /// Takes batches in one transaction: merges each series' totals (`UsageCounters.merged`) and each lease's consumed
    /// and released totals (the larger stands), and marks epochs closed that end.
    ///
    /// - Returns: for each batch, in order, the highest sequence taken of its worker and epoch, and whether a gap
    ///   lies before it.
    func takeUsage(_ batches: [(worker: ResourceID, batch: UsageBatch)]) async throws -> [TakenUsage]

    /// The sums of series in a window, grouped and bucketed as asked, ordered by bucket and group, after the cursor.
    func usage(_ query: UsageQuery) async throws -> [UsageRow]

    /// What is out of an allowance: Σ `QuotaAccount.commitment` over all workers and epochs.
    func committed(_ key: LeaseKey) async throws -> Int64

    /// What one worker's epoch holds of an allowance.
    func leaseTotals(worker: ResourceID, epoch: Epoch, key: LeaseKey) async throws -> LeaseTotals

    /// Sets the granted totals of leases, in one transaction; never lowers one.
    func grant(_ grants: [(worker: ResourceID, epoch: Epoch, key: LeaseKey, granted: Int64)]) async throws
}

public struct TakenUsage: Sendable, Hashable {
    public var sequence: Int64
    /// Whether a sequence between the last taken and this one is missing: an alert, never a silence.
    public var hasGap: Bool

    public init(sequence: Int64, hasGap: Bool) {
        self.sequence = sequence
        self.hasGap = hasGap
    }
}

/// A question to the ledger about one tenant.
public struct UsageQuery: Sendable, Hashable {
    public enum Dimension: String, Sendable, CaseIterable { case key, route, statusClass }

    public var tenant: ResourceID
    /// Whole minutes since 1970, `from` included, `to` not.
    public var minutes: Range<Int64>
    public var groupBy: [Dimension]
    /// The buckets' starts in minutes since 1970, ascending; a bucket reaches to the next start or the window's end.
    /// One element, the window's start: no buckets.
    public var bucketStarts: [Int64]
    /// Rows up to and including this place are left out; `nil` for the first page.
    public var after: UsageRow.Place?
    public var limit: Int

    public init(
        tenant: ResourceID, minutes: Range<Int64>, groupBy: [Dimension], bucketStarts: [Int64],
        after: UsageRow.Place? = nil, limit: Int
    ) {
        self.tenant = tenant
        self.minutes = minutes
        self.groupBy = groupBy
        self.bucketStarts = bucketStarts
        self.after = after
        self.limit = limit
    }
}

public struct UsageRow: Sendable, Hashable {
    /// What a row is about, by which rows are ordered. Dimensions not grouped by are `nil`.
    public struct Place: Sendable, Hashable {
        /// Index into the query's `bucketStarts`.
        public var bucket: Int
        /// `.zero` for requests without a valid key.
        public var apiKey: ResourceID?
        public var route: ResourceID?
        public var statusClass: UInt8?

        public init(bucket: Int, apiKey: ResourceID?, route: ResourceID?, statusClass: UInt8?) {
            self.bucket = bucket
            self.apiKey = apiKey
            self.route = route
            self.statusClass = statusClass
        }
    }

    public var place: Place
    public var counters: UsageCounters

    public init(place: Place, counters: UsageCounters) {
        self.place = place
        self.counters = counters
    }
}

extension Store {
    /// The newest revision; 0 where nothing was ever written.
    public func latestRevision() async throws -> Revision { try await logEnd().revision }

    /// Returns once the records and replies are durable.
    public func commit(_ records: [RevisionRecord], replies: [StoredReply] = []) async throws {
        try await withCheckedThrowingContinuation { caller in
            commit(records, replies: replies) { caller.resume(with: $0) }
        }
    }

    /// The entries above a revision, oldest first, however many changes they have.
    public func records(after: Revision, limit: Int) async throws -> [RevisionRecord] {
        var records: [RevisionRecord] = []
        var query = LogQuery(above: after, limit: limit)
        while query.limit > 0 {
            let page = try await self.records(query)
            records += page.records
            guard let next = page.next else { break }
            query.above = next
            query.limit = limit - records.count
        }
        return records
    }
}
