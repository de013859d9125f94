// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// Moves bytes and events between what carries one client's requests, the upstream's socket, and the ``ServerConnection`` that
/// decides. Confined to its loop.
///
/// Carrying out an action can lead to another event (a socket that is full, a connection that fails at once); such events
/// wait until the actions of the one before are all done. None of them carries bytes: those come from the loop only.
final class EpollClient: EpollPeer, EpollSocketOwner, HTTP2StreamUser, EpollUpstreamUser, TimerOwner {
    enum Event {
        case received
        case closed
        case malformed(HTTP2Fault)
        case ended
        case writability(Bool)
        case upstream(EpollUpstreamEvent)
        case leasesChanged
        case timer
        case drain
    }

    private static var noBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

    private let carrier: any EpollCarrier
    /// The loop's.
    private let toClient: Gather
    private let toUpstream: Gather
    private let scheme: RequestForwarding.Scheme
    /// Nil while it rests, and within an event.
    private var connection: ServerConnection?
    /// When a client that rests has done so for too long.
    private var restsUntil: UInt64
    private var upstream: EpollUpstream?
    private var isHandling = false
    private var waitingEvents: [Event] = []
    private var timer = MovingTimer()

    /// What is left to do with the sending side once all is sent.
    private enum Ending { case none, shut, close }
    private var ending = Ending.none
    private var isOutputShut = false
    /// When a client that takes nothing any more is cut off.
    private var cutOff = UInt64.max

    init(
        _ carrier: any EpollCarrier, from address: ClientAddress, over scheme: RequestForwarding.Scheme = .http,
        engine: EpollEngine, loop: EpollLoop
    ) {
        self.carrier = carrier
        self.scheme = scheme
        toClient = loop.toClient
        toUpstream = loop.toUpstream
        restsUntil = loop.now + engine.gateway.limits.idleTimeout
        super.init(from: address, engine: engine, loop: loop)
    }

    /// Takes the socket that carries it, which is open, over from its owner.
    func takeOver(_ socket: EpollSocket) {
        socket.pass(to: self)
        guard engine.admit(self) else { return leave() }
        wait()
    }

    /// For a request, no longer than one may.
    func wait() { setTimer(restsUntil) }

    // MARK: - Events

    func received(_ bytes: UnsafeRawBufferPointer) { handle(.received, bytes) }

    func ended() {
        tellClosed()
        leave()
    }

    func malformed(_ fault: HTTP2Fault) {
        if isHandling || connection != nil { handle(.malformed(fault)) }
        leave()
    }

    func inputEnded() { handle(.ended) }

    func writabilityChanged(_ isWritable: Bool) { handle(.writability(isWritable)) }

    func outputSent() {
        endOutput()
        leaveIfOver()
    }

    override func leasesChanged() { handle(.leasesChanged) }

    override func drain() { handle(.drain) }

    override func abort() {
        let isAnswering = upstream != nil
        tellClosed()
        leave(reset: isAnswering)
    }

    /// There is nobody to tell while the connection rests.
    private func tellClosed() {
        if isHandling || connection != nil { handle(.closed) }
    }

    func handle(_ event: EpollUpstreamEvent, _ bytes: UnsafeRawBufferPointer) { handle(.upstream(event), bytes) }

    private func handle(_ event: Event, _ bytes: UnsafeRawBufferPointer = noBytes) {
        guard !isHandling else { return waitingEvents.append(event) }
        isHandling = true
        let connection =
            connection.take()
            ?? gateway.connection(for: address, over: scheme, speaksHTTP2: carrier.isHTTP2, until: restsUntil)
        report(event, bytes, to: connection)
        while !waitingEvents.isEmpty { report(waitingEvents.removeFirst(), Self.noBytes, to: connection) }
        isHandling = false
        engine.settle(self, waits: connection.waitsForGrant)
        let deadline = connection.deadline
        if connection.rests {
            restsUntil = deadline
            gateway.rest(connection)
        } else {
            self.connection = connection
        }
        leaveIfOver()
        setTimer(deadline)
        while let copy = gateway.takeMirror() { EpollMirror(copy, engine: engine, loop: loop).start() }
    }

    private func report(_ event: Event, _ bytes: UnsafeRawBufferPointer, to connection: ServerConnection) {
        switch event {
        case .received: connection.receivedFromClient(bytes)
        case .closed: connection.clientClosed()
        case .malformed(let fault): connection.clientClosed(for: fault)
        case .ended: connection.clientEnded()
        case .writability(let isWritable): connection.clientWritability(isWritable)
        case .upstream(let event): report(event, bytes, to: connection)
        case .leasesChanged: connection.leasesChanged()
        case .timer: connection.timerFired()
        case .drain: connection.drain()
        }
        connection.takeActions { perform($0, of: connection, received: bytes) }
        flushUpstream()
        carrier.send(toClient)
    }

    private func report(
        _ event: EpollUpstreamEvent, _ bytes: UnsafeRawBufferPointer, to connection: ServerConnection
    ) {
        switch event {
        case .received(let id): connection.receivedFromUpstream(id, bytes)
        case .connected(let id): connection.upstreamConnected(id)
        case .failed(let id): connection.upstreamFailed(id)
        case .closed(let id, let inOrder):
            if upstream?.id == id { upstream = nil }
            connection.upstreamClosed(id, inOrder: inOrder)
        case .refused(let id):
            if upstream?.id == id { upstream = nil }
            connection.upstreamRefused(id)
        case .ended(let id): connection.upstreamEnded(id)
        case .unusable(let id): connection.upstreamUnusable(id)
        case .writability(let id, let isWritable): connection.upstreamWritability(id, isWritable)
        }
    }

    // MARK: - Actions

    private func perform(
        _ action: ExchangeAction, of connection: ServerConnection, received: UnsafeRawBufferPointer
    ) {
        switch action {
        case .sendToClient(.staged(let range)): sendToClient(connection.clientStage[range])
        case .sendToClient(.received(let range)): sendToClient(received[range])
        case .sendToUpstream(.staged(let range)): sendToUpstream(connection.upstreamStage[range])
        case .sendToUpstream(.received(let range)): sendToUpstream(received[range])
        case .connect(let id, let endpoint): connect(id, endpoint: endpoint)
        case .attach(let id): attach(id)
        case .detach: letGo()
        case .closeUpstream(let id):
            letGo()
            engine.close(id)
        case .endUpstream(let id):
            letGo()
            engine.end(id)
        case .beginTunnel:
            carrier.allowHalfClose()
            upstream?.beginTunnel()
        case .shutUpstreamOutput:
            flushUpstream()
            upstream?.shutOutput()
        case .readFromClient(let reads): carrier.setReading(reads)
        case .readFromUpstream(let reads): upstream?.setReading(reads)
        case .shutClientOutput: end(.shut)
        case .closeClient: end(.close)
        case .abortClient: leave(reset: true)
        }
    }

    private func sendToClient(_ piece: UnsafeRawBufferPointer) {
        if toClient.isFull { carrier.send(toClient) }
        toClient.append(piece)
    }

    private func sendToUpstream(_ piece: UnsafeRawBufferPointer) {
        if toUpstream.isFull { flushUpstream() }
        toUpstream.append(piece)
    }

    /// What was gathered for an upstream that is gone goes nowhere.
    private func flushUpstream() {
        guard !toUpstream.isEmpty else { return }
        if let upstream { upstream.send(toUpstream) } else { toUpstream.removeAll() }
    }

    private func connect(_ id: UpstreamID, endpoint: Int) {
        let address = gateway.upstreams.address(of: endpoint)
        let connecting = EpollUpstream(id: id, to: address, engine: engine, loop: loop, user: self)
        engine.keep(connecting)
        connecting.connect()
    }

    /// Takes an idle connection, which may have been closed since it was put away.
    private func attach(_ id: UpstreamID) {
        guard let idle = engine.upstream(id), let isWritable = idle.serve(self) else {
            engine.close(id)
            return waitingEvents.append(.upstream(.unusable(id)))
        }
        // It may still be sending the rest of a request that was answered early.
        if !isWritable { waitingEvents.append(.upstream(.writability(id, false))) }
        upstream = idle
    }

    /// A connection that `connect` has asked for is there.
    func use(_ connected: EpollUpstream) {
        upstream = connected
        handle(.upstream(.connected(connected.id)))
    }

    private func letGo() {
        flushUpstream()
        guard let upstream = upstream.take() else { return }
        upstream.user = nil
        upstream.setReading(true)
    }

    // MARK: - Ends

    /// Closes the sending side, or all, once everything is sent. A client that takes nothing any more is cut off.
    private func end(_ ending: Ending) {
        carrier.send(toClient)
        carrier.sayGoodbye()
        self.ending = ending
        guard !carrier.isSent else { return endOutput() }
        if cutOff == .max { cutOff = loop.now + gateway.limits.bodyTimeout }
    }

    private func endOutput() {
        switch ending {
        case .none: break
        case .shut:
            guard !isOutputShut else { return }
            isOutputShut = true
            cutOff = .max
            carrier.shutDownOutput()
        case .close: leave()
        }
    }

    /// - Parameter reset: within an answer, whose end an orderly close could be taken for.
    private func leave(reset: Bool = false) {
        guard carrier.isOpen else { return }
        carrier.close(reset: reset)
        timer.cancel(on: loop)
        engine.forget(self)
    }

    /// A carrier of one request is done with it.
    private func leaveIfOver() {
        guard carrier.isOver, carrier.isOpen else { return }
        leave()
        tellClosed()
    }

    // MARK: - Time

    private func setTimer(_ deadline: UInt64) {
        let due = min(deadline, cutOff)
        if timer.isDue(after: due), carrier.isOpen { timer.set(at: due, for: self, on: loop) }
    }

    func timerFired() {
        timer.fired()
        if loop.now >= cutOff { leave(reset: true) } else { handle(.timer) }
    }
}

#endif
