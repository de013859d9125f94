// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// What happens to an upstream connection, for whoever uses it.
enum EpollUpstreamEvent {
    case connected(UpstreamID)
    case failed(UpstreamID)
    case received(UpstreamID)
    /// - Parameter inOrder: else something may be missing of what was received.
    case closed(UpstreamID, inOrder: Bool)
    case ended(UpstreamID)
    /// It has not begun with the request that it was sent.
    case refused(UpstreamID)
    case unusable(UpstreamID)
    case writability(UpstreamID, Bool)
}

/// Who uses an upstream connection: a client's, or the copy of a request.
protocol EpollUpstreamUser: AnyObject {
    /// The connection that was asked for is there.
    func use(_ connected: EpollUpstream)
    /// - Parameter bytes: what was received; good until the call returns.
    func handle(_ event: EpollUpstreamEvent, _ bytes: UnsafeRawBufferPointer)
}

extension EpollUpstreamUser {
    func handle(_ event: EpollUpstreamEvent) { handle(event, UnsafeRawBufferPointer(start: nil, count: 0)) }
}

/// One upstream connection, which serves one user after the other; or a stream of HTTP/2, which serves one. Confined to its loop.
///
/// While it is nobody's it must be silent; whatever it says then, and its end, make it useless.
final class EpollUpstream: EngineUpstream, EpollSocketOwner, EpollStreamAsker, TimerOwner {
    let id: UpstreamID
    private let endpoint: EndpointAddress
    private let engine: EpollEngine
    private let loop: EpollLoop
    /// Whom it serves at present.
    var user: (any EpollUpstreamUser)?
    private var dial: EpollDial?
    /// Asked for a stream.
    private var asked: EpollHTTP2Upstream?
    private var carrier: (any EpollCarrier)?
    private var isClosed = false

    /// What is left to do once all is sent.
    private enum Ending { case none, shut, close }
    private var ending = Ending.none
    /// Until when it may take to send the rest.
    private var cutOff: TimerID?

    init(
        id: UpstreamID, to endpoint: EndpointAddress, engine: EpollEngine, loop: EpollLoop, user: any EpollUpstreamUser
    ) {
        self.id = id
        self.endpoint = endpoint
        self.engine = engine
        self.loop = loop
        self.user = user
    }

    // MARK: - Connecting

    func connect() {
        engine.watcher.addresses(of: endpoint) { [endpoint] addresses in
            guard !self.isClosed else { return }
            if endpoint.wire.speaksHTTP2 { return self.ask(endpoint, at: addresses) }
            let dial = EpollDial(to: endpoint, at: addresses, loop: self.loop) { self.dialled($0) }
            self.dial = dial
            dial.start()
        }
    }

    private func dialled(_ result: Result<EpollSocket, any Error>) {
        dial = nil
        if case .success(let socket) = result { socket.pass(to: self) }
        connected(result.map { $0 })
    }

    private func ask(_ endpoint: EndpointAddress, at addresses: [String]) {
        let asked = loop.http2Upstreams.ask(endpoint, at: addresses, for: self)
        if carrier == nil, !isClosed { self.asked = asked }
    }

    func opened(_ stream: Result<EpollStream, any Error>) {
        asked = nil
        connected(stream.map { $0 })
    }

    private func connected(_ result: Result<any EpollCarrier, any Error>) {
        switch result {
        case .success(let carrier):
            self.carrier = carrier
            user?.use(self)
        case .failure(let error):
            engine.noteUnreachable(endpoint, error)
            let waiting = user
            engine.close(id)
            waiting?.handle(.failed(id))
        }
    }

    // MARK: - Use

    /// Serves this user from now on.
    ///
    /// - Returns: whether what is sent on it finds room; nil where it is not fit to be sent a request, and serves nobody.
    func serve(_ user: any EpollUpstreamUser) -> Bool? {
        guard let carrier, carrier.isOpen else { return nil }
        self.user = user
        return carrier.isWritable
    }

    func send(_ gathered: Gather) {
        if let carrier { carrier.send(gathered) } else { gathered.removeAll() }
    }

    func setReading(_ reads: Bool) { carrier?.setReading(reads) }

    // MARK: - Ends

    /// It speaks something else than HTTP from here on, and may end what it sends before it has heard all.
    func beginTunnel() { carrier?.allowHalfClose() }

    /// Closes the sending side once everything is sent.
    func shutOutput() {
        carrier?.sayGoodbye()
        ending = .shut
        if carrier?.isSent == true { outputSent() }
    }

    func end() {
        user = nil
        ending = .close
        carrier?.setReading(false)
        carrier?.sayGoodbye()
        guard let carrier, !carrier.isSent else { return outputSent() }
        cutOff = loop.setTimer(for: self, at: loop.now + engine.gateway.limits.bodyTimeout)
    }

    func outputSent() {
        switch ending {
        case .none: break
        case .shut:
            ending = .none
            carrier?.shutDownOutput()
        case .close: finish()
        }
    }

    func timerFired() {
        cutOff = nil
        finish()
    }

    private func finish() {
        close()
        engine.forget(self)
    }

    func close() {
        isClosed = true
        user = nil
        if let cutOff { loop.cancel(cutOff) }
        cutOff = nil
        dial?.cancel()
        dial = nil
        asked?.forget(self)
        asked = nil
        carrier?.sayGoodbye()
        carrier?.close(reset: false)
    }

    // MARK: - What carries it

    func received(_ bytes: UnsafeRawBufferPointer) {
        if let user { user.handle(.received(id), bytes) } else { engine.lost(self) }
    }

    func inputEnded() {
        if let user { user.handle(.ended(id)) } else { engine.lost(self) }
    }

    func ended() {
        if case .close = ending { return finish() }
        guard let user else { return engine.lost(self) }
        engine.forget(self)
        let isCutOff = carrier?.isCutOff == true
        // A server of TLS 1.3 refuses a certificate when the client takes the handshake for done (RFC 8446 §4.4.2.4).
        if let fault = carrier?.fault { engine.noteUnreachable(endpoint, fault) }
        close()
        user.handle(.closed(id, inOrder: !isCutOff))
    }

    func refused() {
        if case .close = ending { return finish() }
        guard let user else { return engine.lost(self) }
        engine.forget(self)
        close()
        user.handle(.refused(id))
    }

    func writabilityChanged(_ isWritable: Bool) { user?.handle(.writability(id, isWritable)) }
}

#endif
