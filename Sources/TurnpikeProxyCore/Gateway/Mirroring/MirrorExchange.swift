// SPDX-License-Identifier: Apache-2.0

/// A copy of a request on its way to a service whose answer nobody sees: events of one upstream connection in, actions out, as
/// of ``ServerConnection``, but without a client.
///
/// The service's circuit breakers hold; its retries do not, and what it answers does not count against its endpoints, which may
/// serve others in earnest. An answer is read up to 1 MiB, so that its connection can serve again, and thrown away.
///
/// Of the actions there are only `connect`, `attach`, `sendToUpstream(.staged)`, `detach` and `closeUpstream`. Confined to the
/// gateway's event loop.
public final class MirrorExchange {
    private enum State {
        case waiting
        case connecting(UpstreamID)
        case awaitingHead(UpstreamID, isReused: Bool)
        case reading(UpstreamID)
        case over
    }

    private let gateway: Gateway
    private let service: ServiceBalancer
    private let copy: MirrorCopy
    private var state = State.waiting
    /// Of the endpoint.
    private var place: Int?
    /// As one of the service's requests in flight.
    private var isCounted = false
    private var parser: ResponseParser
    private var head = ResponseHead()
    private var body = BodyReader(.none)
    /// Part of an answer's head.
    private var backlog: [UInt8] = []
    private var answerBytes = 0
    private var giveUpAt = UInt64.max
    private var actions: [ExchangeAction] = []
    /// When ``timerFired()`` is to be called, in nanoseconds of the gateway's clock.
    public private(set) var deadline = UInt64.max

    init(_ copy: MirrorCopy, to service: ServiceBalancer, gateway: Gateway) {
        self.copy = copy
        self.service = service
        self.gateway = gateway
        parser = ResponseParser(limits: gateway.limits.head)
    }

    /// What `.staged` means; stays as it is.
    public var upstreamStage: UnsafeRawBufferPointer { copy.bytes.bytes }

    public var isOver: Bool { if case .over = state { true } else { false } }

    /// Hands the actions over, and keeps the storage.
    public func takeActions(_ body: (ExchangeAction) -> Void) {
        for action in actions { body(action) }
        actions.removeAll(keepingCapacity: true)
    }

    // MARK: - Events

    /// The first: chooses an endpoint.
    public func start() {
        guard case .waiting = state else { return }
        giveUpAt = gateway.now.addingClamped(min(service.cluster.requestTimeout, GatewayLimits.mirrorTime))
        guard service.load.activeRequests < service.cluster.loadLimits.requests else { return end(.overloaded) }
        service.load.activeRequests += 1
        isCounted = true
        guard
            let place = service.next(
                hash: nil, tried: EndpointSet(), isLastChance: false, in: &gateway.upstreams, random: &gateway.random,
                now: gateway.now)
        else { return end(.failed) }
        self.place = place
        service.endpoints[place].activeRequests += 1
        connect(to: place, mayReuse: true)
    }

    public func upstreamConnected(_ id: UpstreamID) {
        guard case .connecting(id) = state else { return }
        gateway.upstreams.connected(id, now: gateway.now)
        send(on: id, isReused: false)
    }

    /// A connection could not be made.
    public func upstreamFailed(_ id: UpstreamID) {
        guard case .connecting(id) = state else { return }
        gateway.upstreams.connectFailed(id, now: gateway.now)
        end(.failed)
    }

    public func receivedFromUpstream(_ id: UpstreamID, _ bytes: UnsafeRawBufferPointer) {
        guard upstreamID == id else { return }
        if case .reading = state { return discard(bytes, on: id) }
        backlog.append(contentsOf: bytes)
        let held = backlog
        backlog = Array(held.dropFirst(held.withUnsafeBytes { takeHeads($0, on: id) }))
    }

    /// The connection was closed by the upstream, or failed.
    ///
    /// - Parameter inOrder: false where something may be missing of what the upstream has sent.
    public func upstreamClosed(_ id: UpstreamID, inOrder: Bool = true) {
        guard upstreamID == id else { return }
        gateway.upstreams.removed(id)
        switch state {
        case .awaitingHead(_, isReused: true) where backlog.isEmpty && mayRepeat: reconnect()
        case .reading where inOrder && body.mayEndNow: end(.answered)
        case .waiting, .connecting, .awaitingHead, .reading, .over: end(.failed)
        }
    }

    /// The connection of `.attach` was closed before anything was sent on it.
    public func upstreamUnusable(_ id: UpstreamID) {
        guard upstreamID == id else { return }
        gateway.upstreams.removed(id)
        reconnect()
    }

    /// ``deadline`` has passed. May come early: then nothing happens.
    public func timerFired() {
        guard gateway.now >= deadline, let id = upstreamID else { return }
        if case .connecting = state {
            gateway.upstreams.connectFailed(id, now: gateway.now)
            actions.append(.closeUpstream(id))
            return end(.failed)
        }
        close(id, .failed)
    }

    // MARK: - The way there

    private var upstreamID: UpstreamID? {
        switch state {
        case .waiting, .over: nil
        case .connecting(let id), .awaitingHead(let id, _), .reading(let id): id
        }
    }

    private func connect(to place: Int, mayReuse: Bool) {
        let endpoint = service.endpoints[place].number
        let mayConnect = service.boundOfConnections(in: &gateway.upstreams) == nil
        switch gateway.upstreams.checkOut(
            endpoint, idleTime: service.cluster.idleTimeout, mayReuse: mayReuse, mayConnect: mayConnect,
            now: gateway.now)
        {
        case .reuse(let id):
            actions.append(.attach(id))
            send(on: id, isReused: true)
        case .connect(let id):
            state = .connecting(id)
            expire(in: service.cluster.connectTimeout)
            actions.append(.connect(id, endpoint: endpoint))
        case .stale:
            for id in gateway.upstreams.takeIdle(of: endpoint) { actions.append(.closeUpstream(id)) }
            connect(to: place, mayReuse: mayReuse)
        case .full: end(.overloaded)
        }
    }

    /// An idle connection may be closed by the upstream at the moment it is used. Once: the other is a new one.
    private func reconnect() {
        guard let place else { return end(.failed) }
        connect(to: place, mayReuse: false)
    }

    private var mayRepeat: Bool { MethodSet.idempotent.contains(MethodSet(copy.method)) }

    private func send(on id: UpstreamID, isReused: Bool) {
        state = .awaitingHead(id, isReused: isReused)
        parser.reset()
        actions.append(.sendToUpstream(.staged(ByteRange(0, copy.bytes.count))))
        expire(in: service.cluster.responseTimeout)
    }

    private func expire(in nanoseconds: UInt64) {
        deadline = min(gateway.now.addingClamped(nanoseconds), giveUpAt)
    }

    // MARK: - The answer

    /// Interim answers, the final one, and what there is of its content.
    ///
    /// - Returns: bytes used; the rest is part of a head.
    private func takeHeads(_ bytes: UnsafeRawBufferPointer, on id: UpstreamID) -> Int {
        var offset = 0
        while case .awaitingHead = state, offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            switch parser.parse(rest, answersHead: copy.method == .head, into: &head) {
            case .incomplete: return offset
            case .fault: close(id, .failed)
            case .complete(let length):
                offset += length
                // Nobody has asked for another protocol.
                guard head.status != 101 else {
                    close(id, .failed)
                    break
                }
                if head.isInterim { continue }
                state = .reading(id)
                body = BodyReader(head.framing)
                discard(UnsafeRawBufferPointer(rebasing: bytes[offset...]), on: id)
            }
        }
        return bytes.count
    }

    private func discard(_ bytes: UnsafeRawBufferPointer, on id: UpstreamID) {
        guard let progress = try? body.advance(bytes) else { return close(id, .failed) }
        answerBytes += progress.consumed
        if progress.isComplete {
            guard head.keepAlive, progress.consumed == bytes.count,
                gateway.upstreams.giveBack(id, idleTime: service.cluster.idleTimeout, now: gateway.now)
            else { return close(id, .answered) }
            actions.append(.detach(id))
            end(.answered)
        } else if answerBytes > GatewayLimits.mirrorAnswerBytes {
            close(id, .answered)
        } else {
            expire(in: service.cluster.responseTimeout)
        }
    }

    // MARK: - The end

    private func close(_ id: UpstreamID, _ outcome: MirrorOutcome) {
        gateway.upstreams.removed(id)
        actions.append(.closeUpstream(id))
        end(outcome)
    }

    private func end(_ outcome: MirrorOutcome) {
        if let place { service.endpoints[place].activeRequests -= 1 }
        if isCounted { service.load.activeRequests -= 1 }
        (place, isCounted) = (nil, false)
        state = .over
        deadline = .max
        gateway.endMirror(of: copy.route, to: service, outcome)
    }
}
