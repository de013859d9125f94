// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
public import TurnpikeModel
public import TurnpikeSnapshot

/// All that the connections of one event loop share: configuration, leases, upstreams, and where usage goes. Rate limits are
/// shared by all loops.
///
/// Confined to that loop, without locks. It does no I/O and reads no clock: the transport sets the time before each event,
/// and carries out what ``ServerConnection`` and the methods here ask for.
public final class Gateway {
    /// The digest of a credential's bytes; nil where they cannot be an API key at all.
    public typealias KeyDigester = @Sendable (UnsafeRawBufferPointer) -> KeyDigest?
    /// Whether these bytes are the debug token.
    public typealias DebugCheck = @Sendable (UnsafeRawBufferPointer) -> Bool

    public let limits: GatewayLimits
    let recorder: any UsageRecorder
    let digest: KeyDigester
    /// Nil where nobody is told of requests.
    let debugCheck: DebugCheck?
    /// Nil where no request is traced.
    let sampling: TraceSampling?
    /// Nil where nobody is believed about whom a request comes from.
    let trustedProxies: TrustedProxies?
    let observer: (any GatewayObserver)?
    let wantsParties: Bool
    let wantsAgent: Bool
    let rateLimiter: RateLimiter

    var current: GatewayConfiguration?
    var balancers: Balancers
    public internal(set) var leases = QuotaLeases()
    public internal(set) var upstreams: UpstreamDirectory
    var leaseWaiters = 0
    /// Connections that rest, each ready for any client.
    var resting: [ServerConnection] = []
    /// Copies of requests that are to be sent, and how many there are in all, also under way and still being gathered.
    var waitingMirrors: [MirrorExchange] = []
    var mirrorsUnderWay = 0
    var normaliser = PathNormaliser()
    /// For values that conditions have to decode.
    let scratch = ByteStage()
    var random: RandomSource
    var requestIDs = RequestIDSource()
    private var dateField = DateField(Timestamp(milliseconds: 0))

    /// Nanoseconds of a clock that never goes back.
    public private(set) var now: UInt64 = 0
    public private(set) var wall = Timestamp(milliseconds: 0)
    /// Set once: answers end their connections, and new requests are still answered.
    public internal(set) var isDraining = false

    /// - Parameters:
    ///   - rateLimiter: of all loops of the worker. Default: this loop's own.
    ///   - seed: random and different for each loop.
    ///   - digest: called for each credential; must not block.
    ///   - debugCheck: called for each request with a field `Turnpike-Debug`; must not block, nor tell by its time what it compares.
    ///   - sampling: which requests the observer is told the traces of. Default: none.
    ///   - zone: where the gateway runs, for services that prefer endpoints of its zone. Default: not known.
    ///   - trustedProxies: whose word about where a request comes from is believed. Default: nobody's.
    public init(
        limits: GatewayLimits = GatewayLimits(), pool: PoolLimits = PoolLimits(), recorder: any UsageRecorder,
        observer: (any GatewayObserver)?, rateLimiter: RateLimiter = RateLimiter(), seed: UInt64,
        digest: @escaping KeyDigester, debugCheck: DebugCheck? = nil,
        sampling: TraceSampling? = nil, zone: String? = nil, trustedProxies: TrustedProxies? = nil
    ) {
        self.limits = limits
        self.recorder = recorder
        self.observer = observer
        wantsParties = observer?.wantsParties == true
        wantsAgent = wantsParties && observer?.wantsAgent == true
        self.rateLimiter = rateLimiter
        self.digest = digest
        self.debugCheck = debugCheck
        self.sampling = sampling
        self.trustedProxies = trustedProxies
        balancers = Balancers(zone: zone)
        upstreams = UpstreamDirectory(limits: pool)
        random = RandomSource(seed: seed)
    }

    /// Says what time it is, before each event.
    public func advance(now: UInt64, wall: Timestamp) {
        self.now = max(now, self.now)
        self.wall = wall
    }

    /// Of answers that begin now.
    var date: DateField {
        dateField.advance(to: wall)
        return dateField
    }

    public var revision: Revision? { current?.revision }

    // MARK: - Accounts

    /// There is room to write a request's usage down.
    var canRecord: Bool { recorder.canRecord }

    func count(_ series: SeriesKey, _ counters: UsageCounters) { recorder.record(series, counters) }

    func tell(
        _ exchange: ExchangeRecord, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer,
        host: UnsafeRawBufferPointer
    ) {
        observer?.answered(exchange, method: method, path: path, host: host)
    }

    /// Serves by this configuration from the next request on. Versions come one after the other, none left out.
    ///
    /// - Returns: idle connections to endpoints that are used no longer, for the transport to close.
    public func apply(_ configuration: GatewayConfiguration) -> [UpstreamID] {
        current = configuration
        let closed = balancers.apply(configuration.changes, in: &upstreams, now: now, random: &random)
        balancers.forgetTurns { !configuration.serves($0) }
        tellCounts()
        return closed
    }

    /// From now on every answer ends its connection.
    public func drain() { isDraining = true }

    // MARK: - Leases

    /// Whether ``takeLeaseWants()`` may have something: to be asked after each event.
    public var mayWantLeases: Bool { leases.mayWant }

    /// When there may be more to ask for than now; nil where nothing is low.
    public var nextLeaseAsk: UInt64? { leases.nextAsk }

    /// What to ask the control plane for now.
    public func takeLeaseWants() -> [LeaseRequest.Want] { leases.wants(now: now) }

    /// The answer to an ask. Connections that wait are to be told, by ``ServerConnection/leasesChanged()``.
    public func take(_ grants: [LeaseGrant], for wants: [LeaseRequest.Want]) {
        for posting in leases.take(grants, for: wants, wall: wall, now: now) {
            recorder.recordConsumption(posting.key, units: posting.units)
        }
    }

    public func leasesFailed(_ wants: [LeaseRequest.Want]) { leases.failed(wants, now: now) }

    /// Gives back what nobody has used for a minute. To be called about every second.
    public func releaseIdleLeases() {
        for posting in leases.releaseIdle(wall: wall, now: now) {
            recorder.recordRelease(posting.key, units: posting.units)
        }
    }

    /// Gives back everything that is left: the last act of a worker.
    public func releaseAllLeases() {
        for posting in leases.releaseAll(wall: wall) { recorder.recordRelease(posting.key, units: posting.units) }
    }

    // MARK: - Units of other loops

    /// There are other loops, whose leases can be asked for units: a request whose own lease is empty then waits for them
    /// before it is refused.
    public func mayBorrow() { leases.mayBorrow = true }

    /// Whether ``takeShortfalls()`` has something: to be asked after each event.
    public var lacksUnits: Bool { leases.lacksUnits }

    /// What to ask the other loops for, one after the other. What comes of it goes to `takeLoans`.
    public func takeShortfalls() -> [QuotaLeases.Shortfall] { leases.takeShortfalls(now: now) }

    /// Spends for another loop. What is lent counts as spent, and is recorded before it is lent.
    public func lend(_ shortfalls: [QuotaLeases.Shortfall]) -> [QuotaLeases.Loan] {
        shortfalls.compactMap { shortfall in
            guard let loan = leases.lend(shortfall, wall: wall) else { return nil }
            recorder.recordConsumption(loan.key, units: loan.units)
            return loan
        }
    }

    /// What other loops have spent for this one. Connections that wait are to be told, as of grants.
    public func takeLoans(_ loans: [QuotaLeases.Loan], for shortfalls: [QuotaLeases.Shortfall]) {
        leases.takeLoans(loans, for: shortfalls, wall: wall, now: now)
    }

    // MARK: - Upstream connections

    /// Idle connections that have waited for too long, for the transport to close.
    public func takeExpiredUpstreams() -> [UpstreamID] {
        defer { balancers.forgetUnused(in: &upstreams) }
        return upstreams.takeExpired(now: now)
    }

    /// A connection that serves no request was closed, or said something unasked, and is closed for that.
    public func idleUpstreamLost(_ id: UpstreamID) { upstreams.removed(id) }
}
