// SPDX-License-Identifier: Apache-2.0

public import Logging
import Synchronization
public import TurnpikeIdentity
public import TurnpikeModel
import TurnpikeSnapshot
public import TurnpikeTelemetry

/// The control plane's use cases over one store: reading and writing resources, telling workers, taking usage, granting
/// leases.
///
/// ## How it is built
/// The store holds the log and the ledger; the *view* holds the newest state in memory, for reading. Writes queue at the
/// *committer*, which makes them durable in groups; what it has committed goes into the view, through the compiler, and
/// to the workers' streams (*publisher*). Usage and leases queue at the *ledger*, each by itself, in batches.
///
/// Safe from any thread. Reads never wait for writes being made durable.
public final class ControlPlane: Sendable {
    let view: SharedView
    let publisher: Publisher
    let commits: Committer
    let usageQueue: BatchQueue<BroughtUsage, UsageReceipt>
    let leaseQueue: BatchQueue<AskedLeases, [LeaseGrant]>
    /// What takes long, and is not to take the threads of all else.
    public let largeWork: LargeWork
    let store: any Store
    let clock: any WallClock
    let metrics: ControlMetrics
    let logger: Logger
    let credentialUses: CredentialUses
    let failedLogins = Mutex(FailedLogins())
    let tenantLimits: TenantLimits
    let tenantRates = Mutex(TenantRates())
    let health: Health
    let feedPlaces: FeedPlaces
    /// Who issues workers' certificates; `nil`: nobody does.
    let authority: CertificateAuthority?
    /// By which private keys of certificates are sealed now.
    let sealingKeys: Mutex<SealingKeys>
    var intake: CertificateIntake { CertificateIntake(sealingKeys: sealingKeys.withLock(\.self)) }
    /// How long the log is kept; `nil`: for ever.
    let retention: Duration?

    private init(
        view: SharedView, tail: [RevisionRecord], uses: [ResourceID: Timestamp],
        sightings: [ResourceID: WorkerSighting], store: any Store, clock: any WallClock, sealingKeys: SealingKeys,
        retention: Duration?, tenantLimits: TenantLimits, authority: CertificateAuthority?,
        logger: Logger, metrics registry: MetricsRegistry
    ) {
        let metrics = ControlMetrics(registry)
        let publisher = Publisher(view: view, tail: tail, sightings: sightings, clock: clock, metrics: metrics)
        let health = Health()
        commits = Committer(
            view: view, publisher: publisher, store: store, clock: clock, health: health, tenantLimits: tenantLimits,
            logger: logger, metrics: metrics)
        let ledger = Ledger(
            view: view, publisher: publisher, store: store, clock: clock, health: health, logger: logger,
            metrics: metrics)
        usageQueue = BatchQueue(capacity: 4096, batchLimit: 64) { await ledger.take($0) }
        leaseQueue = BatchQueue(capacity: 4096, batchLimit: 64) { await ledger.grant($0) }
        for role in Worker.Role.allCases {
            metrics.connectedWorkers(role.rawValue) { [weak publisher] in Double(publisher?.connectedWorkers(role) ?? 0)
            }
        }
        metrics.queue("log") { [weak commits] in Double(commits?.waitingCount ?? 0) }
        metrics.queue("usage") { [weak usageQueue] in Double(usageQueue?.waitingCount ?? 0) }
        metrics.queue("leases") { [weak leaseQueue] in Double(leaseQueue?.waitingCount ?? 0) }
        let largeWork = LargeWork()
        self.largeWork = largeWork
        metrics.queue("largeWork") { [weak largeWork] in Double(largeWork?.waitingCount ?? 0) }
        let feedPlaces = FeedPlaces()
        metrics.openFeeds { Double(feedPlaces.count) }
        metrics.ready { [weak commits] in
            health.reasons.isEmpty && !health.isShuttingDown && commits?.isClosed == false ? 1 : 0
        }
        self.feedPlaces = feedPlaces
        metrics.greatestLag { [weak publisher] in Double(publisher?.greatestLag ?? 0) }
        metrics.greatestLagTime { [weak publisher] in Double(publisher?.greatestLagTime.inNanoseconds ?? 0) / 1e9 }
        metrics.waitingRequests("rollout") { [weak publisher] in Double(publisher?.waitingCounts.rollout ?? 0) }
        metrics.waitingRequests("revision") { [weak publisher] in Double(publisher?.waitingCounts.revision ?? 0) }
        self.health = health
        self.tenantLimits = tenantLimits
        self.authority = authority
        self.sealingKeys = Mutex(sealingKeys)
        self.view = view
        self.publisher = publisher
        self.store = store
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
        self.retention = retention
        credentialUses = CredentialUses(uses)
    }

    /// Loads the store, rebuilds the view, compiles everything, and reads the log's tail, so that workers that come
    /// back are sent only what differs.
    ///
    /// - Parameters:
    ///   - sealingKeys: by which private keys of certificates are kept. What a former one has sealed is sealed anew once it runs.
    ///     What none of them has sealed, gateways that have no other key cannot show; that is logged.
    ///   - retention: how long the log is kept, at least a day; `nil`: for ever.
    ///   - authority: who issues workers' certificates; `nil`: they get none.
    ///   - progress: is told how far it is.
    /// - Throws: what the store throws; `CancellationError`.
    public static func start(
        store: any Store, clock: any WallClock, sealingKeys: SealingKeys, retention: Duration? = nil,
        tenantLimits: TenantLimits = TenantLimits(), authority: CertificateAuthority? = nil,
        progress: LoadingProgress = LoadingProgress(), logger: Logger, metrics: MetricsRegistry
    ) async throws -> ControlPlane {
        var view = View()
        let total = try await store.resourceCount()
        var count = 0
        view.reserve(total)
        progress.note(count, of: total)
        try await store.forEachResource { resource in
            view.load(resource)
            count += 1
            guard count % Self.progressStep == 0 else { return }
            try Task.checkCancellation()
            progress.note(count, of: total)
        }
        try Task.checkCancellation()
        progress.noteCompiling()
        let end = try await store.logEnd()
        view.load(logEnd: end)
        let revision = end.revision
        // Read as far back as workers are likely to come from, and no further: the changes of a large bundle would take
        // longer to read than to send again.
        let tailStart = max(
            revision - Int64(ChangeHistory.maximumRevisions), try await store.revision(before: tailChanges), 0)
        let tail = try await store.records(after: tailStart, limit: ChangeHistory.maximumRevisions).afterLastGap
        let plane = ControlPlane(
            view: SharedView(view), tail: tail, uses: try await store.uses(),
            sightings: try await store.sightings(), store: store, clock: clock, sealingKeys: sealingKeys,
            retention: retention, tenantLimits: tenantLimits, authority: authority,
            logger: logger, metrics: metrics
        )
        plane.reportForeignSeals()
        Allocator.trim()
        logger.info("The control plane is loaded", metadata: [LogKey.revision: "\(revision)"])
        return plane
    }

    /// Resources after which a start looks up from its work.
    private static let progressStep = 1000

    /// Changes of the log's tail that a start reads.
    private static let tailChanges = 20_000

    /// The newest revision that readers and workers see.
    public var revision: Revision { publisher.revision }

    /// What keeps the control plane from taking work; empty where nothing does.
    public var obstacles: [String] { health.reasons + (health.isShuttingDown ? ["It is shutting down."] : []) }

    /// Does what time brings about: heartbeats, expiry of workers' credentials, giving up on absent workers, maintenance; and
    /// seals anew what a former sealing key has sealed. Run it for as long as there are workers; returns when cancelled.
    public func run() async throws {
        await run(tickingEvery: Publisher.tickInterval, maintainingEvery: Self.maintenanceInterval)
    }

    /// Each on a task of its own: workers get their heartbeats however long the storage takes.
    func run(tickingEvery tick: Duration, maintainingEvery maintenance: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await Self.repeating(every: tick) { self.publisher.tick() } }
            group.addTask { await Self.repeating(every: tick) { await self.probeStorage() } }
            group.addTask { await Self.repeating(every: maintenance) { await self.maintain() } }
            group.addTask { await self.keepSealed(lookingEvery: maintenance) }
        }
    }

    private static func repeating(every interval: Duration, _ work: () async -> Void) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: interval)
            if !Task.isCancelled { await work() }
        }
    }

    /// Lets everybody know that this control plane is about to shut down; it takes work until ``shutDown(within:)``.
    public func announceShutdown() { health.noteShutdown() }

    /// Takes no more writes and usage, makes what was taken durable, and then ends the streams: each once it has given out
    /// what was written last.
    ///
    /// - Parameter limit: streams that have not by then are broken off. Their workers serve by what they have.
    public func shutDown(within limit: Duration = .seconds(10)) async {
        let deadline = ContinuousClock.now + limit
        announceShutdown()
        await commits.close()
        await usageQueue.close()
        await leaseQueue.close()
        publisher.drain()
        let brokenOff = await publisher.waitForStreams(until: deadline)
        if brokenOff > 0 {
            logger.warning(
                "Streams are broken off: their workers have not taken the newest state in time",
                metadata: [LogKey.count: "\(brokenOff)"])
        }
        publisher.shutDown()
        await noteCredentialUses()
        await noteSightings()
    }
}

extension [RevisionRecord] {
    /// The newest entries whose revisions follow each other: what lies before a gap, as a restore leaves one, tells
    /// nothing of what workers have seen.
    fileprivate var afterLastGap: [RevisionRecord] {
        var start = indices.last ?? startIndex
        while start > startIndex, self[start - 1].revision == self[start].revision - 1 { start -= 1 }
        return Array(self[start...])
    }
}
