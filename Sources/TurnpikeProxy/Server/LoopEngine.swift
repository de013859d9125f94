// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry

/// A client's connection, as far as its loop's engine has to know it.
protocol EngineClient: AnyObject, SendableMetatype {
    /// What it waited for may have been granted.
    func leasesChanged()
    /// Ends it now where it is idle, else with its answer.
    func drain()
    /// Cuts it off.
    func abort()
}

/// A connection to an upstream, as far as its loop's engine has to know it.
protocol EngineUpstream: AnyObject, SendableMetatype {
    var id: UpstreamID { get }
    /// Closes it without telling anybody.
    func close()
    /// Sends what is to be sent, or gives up after ``GatewayLimits/bodyTimeout``; then closes it without telling anybody but
    /// the engine, which is to forget it.
    func end()
}

/// What one event loop runs: its gateway, its connections, and the upkeep of both, whatever the transport. Confined to the
/// loop.
final class LoopEngine<Client: EngineClient, Upstream: EngineUpstream>: UpstreamWatcherOwner {
    let loop: any EngineLoop
    let gateway: Gateway
    let watch: GatewayWatch
    let watcher: UpstreamWatcher
    /// For transports that give out new clients by it, and count it.
    let load = LoopLoad()
    private let total: ClientCount
    let leases: any LeaseSource
    var lenders: [LeaseLender] = []
    let logger: Logger

    private var clients: [ObjectIdentifier: Client] = [:]
    var waiters: [ObjectIdentifier: Client] = [:]
    /// By slot of their ids.
    private var upstreams: [Upstream?] = []
    /// Those that are nobody's any more, and have something left to send.
    private var ending: [ObjectIdentifier: Upstream] = [:]
    var isAskPlanned = false
    var isBorrowPlanned = false
    private var isDraining = false
    private var whenDrained: (() -> Void)?
    private var isFinished = false
    private var nextNote: UInt64 = 0

    init(
        loop: any EngineLoop, gateway: Gateway, watch: GatewayWatch, leases: any LeaseSource, clients: ClientCount,
        resolver: any NameResolver, logger: Logger
    ) {
        self.loop = loop
        self.gateway = gateway
        self.watch = watch
        self.leases = leases
        self.logger = logger
        total = clients
        watcher = UpstreamWatcher(loop: loop, gateway: gateway, resolver: resolver)
        watcher.owner = self
        tick()
        planUpkeep()
    }

    /// Reads the clocks. The gateway's time is to be set before each event.
    func tick() {
        gateway.advance(now: loop.now, wall: Timestamp(milliseconds: SystemTime.milliseconds))
    }

    func apply(_ configuration: GatewayConfiguration) {
        tick()
        for id in gateway.apply(configuration) { close(id) }
        watch.configurationChanged()
        watcher.settle()
    }

    func answer(_ probe: Probe) -> ProbeAnswer {
        tick()
        return gateway.answer(probe)
    }

    // MARK: - Clients

    /// - Returns: whether one more client is welcome.
    func admit(_ client: Client) -> Bool {
        guard !isDraining else { return false }
        guard total.enter() else {
            watch.metrics.connectionRefused()
            return false
        }
        clients[ObjectIdentifier(client)] = client
        watch.metrics.activeConnections.set(clients.count)
        return true
    }

    func forget(_ client: Client) {
        guard clients.removeValue(forKey: ObjectIdentifier(client)) != nil else { return }
        total.leave()
        waiters[ObjectIdentifier(client)] = nil
        watch.metrics.activeConnections.set(clients.count)
        if clients.isEmpty { drained() }
    }

    /// Notes whether a client is to be told when grants come, and sees to it that they are asked for.
    func settle(_ client: Client, waits: Bool) {
        if waits {
            waiters[ObjectIdentifier(client)] = client
        } else if !waiters.isEmpty {
            waiters[ObjectIdentifier(client)] = nil
        }
        if gateway.mayWantLeases { planAsk(at: loop.now) }
        if gateway.lacksUnits { planBorrow() }
    }

    // MARK: - Upstream connections

    /// Keeps a connection that is being made until it is closed.
    func keep(_ upstream: Upstream) {
        let slot = Int(upstream.id.slot)
        while upstreams.count <= slot { upstreams.append(nil) }
        upstreams[slot] = upstream
    }

    /// The connection, if it is there still.
    func upstream(_ id: UpstreamID) -> Upstream? {
        guard Int(id.slot) < upstreams.count, let upstream = upstreams[Int(id.slot)], upstream.id == id else {
            return nil
        }
        return upstream
    }

    /// Lets go of a connection and closes it.
    func close(_ id: UpstreamID) {
        guard let upstream = upstream(id) else { return }
        upstreams[Int(id.slot)] = nil
        upstream.close()
    }

    /// Lets go of a connection, and closes it once all is sent.
    func end(_ id: UpstreamID) {
        guard let upstream = upstream(id) else { return }
        upstreams[Int(id.slot)] = nil
        ending[ObjectIdentifier(upstream)] = upstream
        upstream.end()
    }

    /// A connection has closed.
    func forget(_ upstream: Upstream) {
        ending[ObjectIdentifier(upstream)] = nil
        if self.upstream(upstream.id) === upstream { upstreams[Int(upstream.id.slot)] = nil }
    }

    /// A connection that is nobody's has gone, or is of no use any more.
    func lost(_ upstream: Upstream) {
        gateway.idleUpstreamLost(upstream.id)
        close(upstream.id)
    }

    /// Says why an upstream cannot be reached: at most once a second, since every request may find it so.
    func noteUnreachable(_ address: EndpointAddress, _ error: any Error) {
        guard loop.now >= nextNote else { return }
        nextNote = loop.now + 1_000_000_000
        logger.warning(
            "An upstream cannot be reached.",
            metadata: [LogKey.upstream: "\(address.host):\(address.port)", LogKey.error: "\(error)"])
    }

    // MARK: - Upkeep

    /// About every second.
    private func planUpkeep() {
        loop.schedule(at: loop.now + 1_000_000_000) { [weak self] in
            guard let self, !isFinished else { return }
            upkeep()
            planUpkeep()
        }
    }

    private func upkeep() {
        tick()
        for id in gateway.takeExpiredUpstreams() { close(id) }
        gateway.releaseIdleLeases()
        watch.upkeep(idle: gateway.upstreams.idleCount, open: gateway.upstreams.openCount)
    }

    // MARK: - Draining

    /// Ends idle connections now and the others with their answers. Calls back when there are none left, or after `timeout`.
    func drain(timeout: Duration, _ done: @escaping () -> Void) {
        tick()
        gateway.drain()
        isDraining = true
        whenDrained = done
        let deadline = loop.now.addingReportingOverflow(UInt64(nanoseconds: timeout))
        loop.schedule(at: deadline.overflow ? .max : deadline.partialValue) { self.drained() }
        for client in Array(clients.values) { client.drain() }
        if clients.isEmpty { drained() }
    }

    private func drained() {
        whenDrained?()
        whenDrained = nil
    }

    /// Ends what is left and gives everything back. Calls back when the access log is written, or after a second.
    func finish(_ done: @escaping () -> Void) {
        cutOff()
        gateway.releaseAllLeases()
        var waits = true
        let finished = {
            if waits { done() }
            waits = false
        }
        watch.finish(finished)
        loop.schedule(at: loop.now + 1_000_000_000, finished)
    }

    /// Closes all that is open.
    func cutOff() {
        isFinished = true
        tick()
        watcher.stop()
        for client in Array(clients.values) { client.abort() }
        for upstream in upstreams.compactMap({ $0 }) { lost(upstream) }
        for upstream in ending.values { upstream.close() }
        ending.removeAll()
    }
}

extension UInt64 {
    /// Zero for what is negative, the most there is for what is too much.
    init(nanoseconds duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let whole = UInt64(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let sum = whole.partialValue.addingReportingOverflow(UInt64(clamping: attoseconds / 1_000_000_000))
        self = whole.overflow || sum.overflow ? .max : sum.partialValue
    }
}
