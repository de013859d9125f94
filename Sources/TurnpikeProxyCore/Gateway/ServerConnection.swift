// SPDX-License-Identifier: Apache-2.0

/// One client connection and, while it serves a request, the upstream connection: events in, actions out.
///
/// The transport reports an event, carries out what is to be done with ``takeActions(_:)`` before it reports the next, and calls
/// ``timerFired()`` once ``deadline`` has passed. It may report events late but never nested, and must set the gateway's time
/// before each. Requests of one connection are served one after the other; what a client sends ahead waits here, bounded, and
/// then in its own buffers.
///
/// Between two requests it may rest: the gateway then lends it to other clients (``Gateway/rest(_:)``).
///
/// Confined to the gateway's event loop.
public final class ServerConnection {
    enum State {
        /// Between requests.
        case idle
        /// Within a head.
        case head
        /// Decided, but for a quota whose grant is awaited.
        case waitingForGrant
        /// Between admission and the end of the answer.
        case exchange
        /// Switched to another protocol, of which nothing but bytes is known.
        case tunnel
        /// Answered by the gateway; the rest of the content is thrown away.
        case discarding
        /// Answered for the last time; what still comes is thrown away.
        case lingering
        case closed
    }

    /// Where an exchange stands with its upstream.
    enum Upstream {
        case none
        /// A try has failed, and the next comes when ``deadline`` does.
        case pausing
        case connecting(UpstreamID)
        /// Has the request or is being sent it.
        case awaitingHead(UpstreamID, isReused: Bool)
        case responding(UpstreamID)
        /// Has switched to another protocol, and so has the client.
        case tunnelling(UpstreamID)
    }

    let gateway: Gateway
    /// Where the request comes from; between two of them, and where no proxies are trusted, from the peer.
    var origin: RequestOrigin
    /// What comes in here as HTTP/1.1 is a stream of HTTP/2.
    var speaksHTTP2: Bool

    var state = State.idle
    var upstream = Upstream.none
    var request = RequestContext()
    private(set) var actions = RefilledList<ExchangeAction>()
    /// When ``timerFired()`` is to be called, in nanoseconds of the gateway's clock.
    public internal(set) var deadline: UInt64

    // The client's side.
    var parser: RequestParser
    var head = RequestHead()
    var requestBody = BodyReader(.none)
    /// Of a request with content.
    var pace = ContentPace()
    /// What came and could not be used yet: part of a head, content before there is an upstream, or later requests.
    var backlog: [UInt8] = []
    var working: [UInt8] = []
    var lingered = 0
    var isClientWritable = true
    private(set) var readsClient = true

    // The upstream's side.
    var responseParser: ResponseParser
    var response = ResponseHead()
    var responseBody = BodyReader(.none)
    var responseChunks: ChunkDecoder?
    /// Part of an answer's head.
    var responseBacklog: [UInt8] = []
    var keepsClient = false
    var sentContent = false
    var isUpstreamWritable = true
    var readsUpstream = true

    var tunnel: Tunnel?
    /// Of the present request, while it is not whole.
    var mirror: MirrorCopy?

    let toClient = ByteStage()
    let toUpstream = ByteStage()
    /// Bytes at the front of `toUpstream` that are kept for another try: the head, and behind it the content so far, where the
    /// request is held.
    var heldLength = 0
    /// Of these, the head's to forward, or where a redirect leads.
    var forwardedHeadLength = 0
    /// Method and path for the log, and the host and what the client calls itself where the observer asks for them.
    let logged = ByteStage()
    var loggedMethod = ByteRange.empty
    var loggedPath = ByteRange.empty
    var loggedHost = ByteRange.empty
    var loggedAgent = ByteRange.empty

    /// - Parameters:
    ///   - client: whom the connection comes from.
    ///   - scheme: what is spoken on it.
    public init(
        gateway: Gateway, client: ClientAddress, scheme: RequestForwarding.Scheme = .http, speaksHTTP2: Bool = false
    ) {
        self.gateway = gateway
        origin = RequestOrigin(peer: client, over: scheme)
        self.speaksHTTP2 = speaksHTTP2
        parser = RequestParser(limits: gateway.limits.head)
        responseParser = ResponseParser(limits: gateway.limits.head)
        deadline = gateway.now + gateway.limits.idleTimeout
    }

    /// Whom the request comes from, by its connection or by what trusted proxies tell.
    var client: ClientAddress { origin.client }

    /// What `.staged` means in `.sendToClient`; valid until the next event.
    public var clientStage: UnsafeRawBufferPointer { toClient.bytes }
    /// What `.staged` means in `.sendToUpstream`; valid until the next event.
    public var upstreamStage: UnsafeRawBufferPointer { toUpstream.bytes }

    /// Hands the actions over.
    public func takeActions(_ body: (ExchangeAction) -> Void) {
        for place in actions.indices { body(actions[place]) }
        actions.removeAll()
    }

    func act(_ action: ExchangeAction) { actions.append(action) }

    public var isClosed: Bool { if case .closed = state { true } else { false } }

    /// Between two requests, so that closing it loses nothing.
    public var isIdle: Bool { if case .idle = state { backlog.isEmpty } else { false } }

    // MARK: - Events of the client

    public func receivedFromClient(_ bytes: UnsafeRawBufferPointer) {
        beginEvent()
        if backlog.isEmpty {
            let used = takeClient(bytes, isEvent: true)
            if used < bytes.count { backlog.append(contentsOf: bytes[used...]) }
        } else {
            backlog.append(contentsOf: bytes)
            takeBacklog()
        }
        settle()
    }

    /// The client closed, or its connection failed.
    ///
    /// - Parameter fault: what is wrong with its content, for which its stream ends.
    public func clientClosed(for fault: HTTP2Fault? = nil) {
        beginEvent()
        clientLost(for: fault)
        settle()
    }

    /// Whether what is sent to the client finds room.
    public func clientWritability(_ isWritable: Bool) {
        beginEvent()
        isClientWritable = isWritable
        expectTunnelTraffic()
        if case .responding = upstream { expectResponseContent() }
        if case .idle = state { deadline = gateway.now + gateway.limits.idleTimeout }
        takeBacklog()
        settle()
    }

    // MARK: - Events of the upstream

    public func upstreamConnected(_ id: UpstreamID) {
        beginEvent()
        if case .connecting(id) = upstream {
            gateway.upstreams.connected(id, now: gateway.now)
            sendRequest(to: id, isReused: false)
            takeBacklog()
        }
        settle()
    }

    /// A connection could not be made.
    public func upstreamFailed(_ id: UpstreamID) {
        beginEvent()
        if case .connecting(id) = upstream { connectFailed(id, .connect) }
        settle()
    }

    public func receivedFromUpstream(_ id: UpstreamID, _ bytes: UnsafeRawBufferPointer) {
        beginEvent()
        if upstreamID == id {
            takeUpstream(bytes)
            takeBacklog()
        }
        settle()
    }

    /// The connection was closed by the upstream, or failed.
    ///
    /// - Parameter inOrder: false where something may be missing of what the upstream has sent, so that no answer which ends with
    ///   its connection is whole (RFC 9112 §8, §9.8).
    public func upstreamClosed(_ id: UpstreamID, inOrder: Bool = true) {
        beginEvent()
        if upstreamID == id {
            upstreamLost(id, inOrder: inOrder)
            takeBacklog()
        }
        settle()
    }

    /// The upstream will not answer the request, and has not begun with it.
    public func upstreamRefused(_ id: UpstreamID) {
        beginEvent()
        if upstreamID == id {
            upstreamLost(id, inOrder: false, isUntouched: true)
            takeBacklog()
        }
        settle()
    }

    /// The connection of `.attach` was closed before anything was sent on it.
    public func upstreamUnusable(_ id: UpstreamID) {
        beginEvent()
        if upstreamID == id {
            gateway.upstreams.removed(id)
            attachFailed()
            takeBacklog()
        }
        settle()
    }

    /// Whether what is sent to the upstream finds room.
    public func upstreamWritability(_ id: UpstreamID, _ isWritable: Bool) {
        beginEvent()
        if upstreamID == id {
            isUpstreamWritable = isWritable
            if case .awaitingHead = upstream {
                if !isWritable { pace.pause(now: gateway.now) }
                expectProgress()
            }
            expectTunnelTraffic()
            takeBacklog()
        }
        settle()
    }

    // MARK: - Other events

    /// There may be news for a request that waits for a grant.
    public func leasesChanged() {
        beginEvent()
        if case .waitingForGrant = state {
            retryQuotas()
            takeBacklog()
        }
        settle()
    }

    /// ``deadline`` has passed. May come early: then nothing happens.
    public func timerFired() {
        beginEvent()
        if gateway.now >= deadline {
            if !isPausing { timeOut() }
            takeBacklog()
        }
        settle()
    }

    /// The gateway drains: a connection between requests is closed, others after their answer.
    public func drain() {
        beginEvent()
        if isIdle { closeClient() }
        settle()
    }

    // MARK: - Between events

    var upstreamID: UpstreamID? {
        switch upstream {
        case .none, .pausing: nil
        case .connecting(let id), .awaitingHead(let id, _), .responding(let id), .tunnelling(let id): id
        }
    }

    func beginEvent() {
        toClient.removeAll()
        toClient.trim(above: 2 * GatewayLimits.answerBytes)
        toUpstream.truncate(to: heldLength)
    }

    /// Uses what was held back, as far as the state allows now.
    private func takeBacklog() {
        guard !backlog.isEmpty else { return }
        swap(&backlog, &working)
        let used = working.withUnsafeBytes { takeClient($0, isEvent: false) }
        backlog.append(contentsOf: working[used...])
        if working.capacity > 2 * GatewayLimits.backlogBytes {
            working = []
        } else {
            working.removeAll(keepingCapacity: true)
        }
    }

    /// No further request is begun: the client does not take the answers to those before, or this event has given enough.
    var isSated: Bool { !isClientWritable || toClient.count >= GatewayLimits.answerBytes }

    /// Between two requests of which the client has sent the second already, to let others have their turn.
    private var isPausing: Bool { if case .idle = state { isClientWritable && !backlog.isEmpty } else { false } }

    /// Tells the transport from which side more bytes are of use.
    func settle() {
        if isPausing { deadline = gateway.now }
        countTunnel()
        if wantsClient != readsClient {
            readsClient.toggle()
            act(.readFromClient(readsClient))
        }
        switch upstream {
        case .awaitingHead, .responding, .tunnelling: break
        case .none, .pausing, .connecting:
            // Connections come and go reading.
            readsUpstream = true
            return
        }
        let wantsUpstream = isClientWritable && tunnel?.upstreamEnded != true
        if wantsUpstream != readsUpstream {
            readsUpstream.toggle()
            act(.readFromUpstream(readsUpstream))
        }
    }

    private var wantsClient: Bool {
        switch state {
        // Reading requests from a client that takes no answers would fill memory with these.
        case .idle: isClientWritable && backlog.isEmpty
        case .head, .discarding, .lingering: true
        case .closed: false
        // Later requests are read a little way ahead, so that a client that leaves is noticed.
        case .tunnel: isUpstreamWritable && tunnel?.clientEnded == false
        case .waitingForGrant: backlog.count < GatewayLimits.backlogBytes
        case .exchange:
            switch upstream {
            case .none, .pausing, .connecting: backlog.count < GatewayLimits.backlogBytes
            case .awaitingHead, .responding, .tunnelling:
                (requestBody.isComplete || isUpstreamWritable) && backlog.count < GatewayLimits.backlogBytes
            }
        }
    }
}
