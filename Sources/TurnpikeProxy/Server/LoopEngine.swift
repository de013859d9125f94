// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOPosix
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What one event loop runs: its gateway, its connections, and the upkeep of both. Confined to the loop.
final class LoopEngine {
    let loop: any EventLoop
    let gateway: Gateway
    let watch: GatewayWatch
    private let options: GatewayOptions
    private let leases: any LeaseSource
    private let logger: Logger

    private var clients: [ObjectIdentifier: ClientHandler] = [:]
    private var waiters: [ObjectIdentifier: ClientHandler] = [:]
    /// By slot of their ids.
    private var upstreams: [UpstreamHandler?] = []
    private var isAskPlanned = false
    private var whenDrained: EventLoopPromise<Void>?

    init(
        loop: any EventLoop, options: GatewayOptions, gateway: Gateway, watch: GatewayWatch, leases: any LeaseSource,
        logger: Logger
    ) {
        self.loop = loop
        self.options = options
        self.gateway = gateway
        self.watch = watch
        self.leases = leases
        self.logger = logger
        tick()
    }

    /// Reads the clocks, before each event.
    func tick() {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        gateway.advance(
            now: NIODeadline.now().uptimeNanoseconds,
            wall: Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
        )
    }

    func apply(_ configuration: GatewayConfiguration) {
        tick()
        for id in gateway.apply(configuration) { close(id) }
        watch.configurationChanged()
    }

    func answer(_ probe: Probe) -> ProbeAnswer {
        tick()
        return gateway.answer(probe)
    }

    // MARK: - Clients

    /// Whether one more is welcome.
    func admit(_ client: ClientHandler) -> Bool {
        guard clients.count < options.connections, whenDrained == nil else { return false }
        clients[ObjectIdentifier(client)] = client
        watch.metrics.activeConnections.set(clients.count)
        return true
    }

    func forget(_ client: ClientHandler) {
        clients[ObjectIdentifier(client)] = nil
        waiters[ObjectIdentifier(client)] = nil
        watch.metrics.activeConnections.set(clients.count)
        if clients.isEmpty { whenDrained?.succeed() }
    }

    /// Notes whether a client is to be told when grants come, and sees to it that they are asked for.
    func settle(_ client: ClientHandler, waits: Bool) {
        if waits {
            waiters[ObjectIdentifier(client)] = client
        } else if !waiters.isEmpty {
            waiters[ObjectIdentifier(client)] = nil
        }
        if gateway.mayWantLeases { planAsk(at: nil) }
    }

    // MARK: - Leases

    /// All leases that ran low in one turn of the loop are asked for together.
    private func planAsk(at time: UInt64?) {
        guard !isAskPlanned else { return }
        isAskPlanned = true
        guard let time else { return loop.assumeIsolated().execute { self.ask() } }
        loop.assumeIsolated().scheduleTask(deadline: .uptimeNanoseconds(time)) { self.ask() }
    }

    private func ask() {
        isAskPlanned = false
        tick()
        let wants = gateway.takeLeaseWants()
        if !wants.isEmpty { ask(for: wants) }
        guard let next = gateway.nextLeaseAsk else { return }
        planAsk(at: max(next, gateway.now + 1_000_000))
    }

    private func ask(for wants: [LeaseRequest.Want]) {
        let engine = NIOLoopBound(self, eventLoop: loop)
        let (leases, loop) = (leases, loop)
        Task {
            let answer: Result<[LeaseGrant], any Error>
            do { answer = .success(try await leases.lease(wants)) } catch { answer = .failure(error) }
            loop.execute { engine.value.take(answer, for: wants) }
        }
    }

    private func take(_ answer: Result<[LeaseGrant], any Error>, for wants: [LeaseRequest.Want]) {
        tick()
        switch answer {
        case .success(let grants): gateway.take(grants, for: wants)
        case .failure(let error):
            gateway.leasesFailed(wants)
            logger.debug("Leases could not be renewed.", metadata: ["count": "\(wants.count)", "error": "\(error)"])
        }
        for client in Array(waiters.values) { client.handle(.leasesChanged) }
    }

    // MARK: - Upstream connections

    func connect(_ id: UpstreamID, endpoint: Int, for client: ClientHandler) {
        let handler = UpstreamHandler(id: id, engine: self, client: client)
        while upstreams.count <= Int(id.slot) { upstreams.append(nil) }
        upstreams[Int(id.slot)] = handler
        handler.connect(to: gateway.upstreams.address(of: endpoint), on: loop)
    }

    /// The connection, if it is there still.
    func upstream(_ id: UpstreamID) -> UpstreamHandler? {
        guard Int(id.slot) < upstreams.count, let handler = upstreams[Int(id.slot)], handler.id == id else {
            return nil
        }
        return handler
    }

    /// Lets go of a connection and closes it.
    func close(_ id: UpstreamID) {
        guard let handler = upstream(id) else { return }
        upstreams[Int(id.slot)] = nil
        handler.close()
    }

    /// A connection has closed.
    func forget(_ handler: UpstreamHandler) {
        if upstream(handler.id) === handler { upstreams[Int(handler.id.slot)] = nil }
    }

    /// A connection that is nobody's has gone, or is of no use any more.
    func lost(_ handler: UpstreamHandler) {
        gateway.idleUpstreamLost(handler.id)
        close(handler.id)
    }

    // MARK: - Upkeep

    /// About every second.
    func upkeep() {
        tick()
        for id in gateway.takeExpiredUpstreams() { close(id) }
        gateway.releaseIdleLeases()
        watch.upkeep(idle: gateway.upstreams.idleCount, open: gateway.upstreams.openCount)
    }

    // MARK: - Draining

    /// Ends idle connections now and the others with their answers.
    ///
    /// - Returns: done when there are none left.
    func drain() -> EventLoopFuture<Void> {
        gateway.drain()
        let drained = whenDrained ?? loop.makePromise()
        whenDrained = drained
        for client in Array(clients.values) { client.handle(.drain) }
        if clients.isEmpty { drained.succeed() }
        return drained.futureResult
    }

    /// Ends what is left and gives everything back. The answer comes when the access log is written, or after a second.
    func finish() -> EventLoopFuture<Void> {
        for client in Array(clients.values) { client.abort() }
        for handler in upstreams.compactMap({ $0 }) { lost(handler) }
        tick()
        gateway.releaseAllLeases()
        let written = loop.makePromise(of: Void.self)
        if let log = watch.finish() {
            log.whenComplete { _ in written.succeed() }
        } else {
            written.succeed()
        }
        loop.scheduleTask(in: .seconds(1)) { written.succeed() }
        return written.futureResult
    }
}
