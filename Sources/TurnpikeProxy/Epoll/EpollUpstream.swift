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

/// One upstream connection, which serves one user after the other. Confined to its loop.
///
/// While it is nobody's it must be silent; whatever it says then, and its end, make it useless.
final class EpollUpstream: EngineUpstream, EpollSocketOwner, TimerOwner {
    let id: UpstreamID
    private let engine: EpollEngine
    private let loop: EpollLoop
    /// Where it leads, once it is asked to.
    private var endpoint: EndpointAddress?
    /// Whom it serves at present.
    var user: (any EpollUpstreamUser)?
    private var dial: EpollDial?
    /// The bridge is asked for a connection.
    private var isAwaited = false
    private var socket: EpollSocket?
    private var isClosed = false

    /// What is left to do once all is sent.
    private enum Ending { case none, shut, close }
    private var ending = Ending.none
    /// Until when it may take to send the rest.
    private var cutOff: TimerID?

    init(id: UpstreamID, engine: EpollEngine, loop: EpollLoop, user: any EpollUpstreamUser) {
        self.id = id
        self.engine = engine
        self.loop = loop
        self.user = user
    }

    // MARK: - Connecting

    func connect(to endpoint: EndpointAddress) {
        self.endpoint = endpoint
        engine.watcher.addresses(of: endpoint) { addresses in
            guard !self.isClosed else { return }
            if endpoint.wire.speaksHTTP2 { return self.ask(for: endpoint, at: addresses) }
            let dial = EpollDial(to: endpoint, at: addresses, loop: self.loop) { self.dialled($0, endpoint) }
            self.dial = dial
            dial.start()
        }
    }

    private func ask(for endpoint: EndpointAddress, at addresses: [String]) {
        isAwaited = true
        let upstream = LoopBound(self, on: loop)
        loop.bridge.connect(to: endpoint, at: addresses) { upstream.value.bridged($0, endpoint) }
    }

    private func bridged(_ result: Result<Descriptor, any Error>, _ endpoint: EndpointAddress) {
        let descriptor = try? result.get()
        guard isAwaited else { return descriptor?.closeNow() ?? () }
        isAwaited = false
        dialled(
            result.flatMap { descriptor in
                let socket = EpollSocket(descriptor, loop: loop, isUpstream: true)
                return socket.open(for: self) ? .success(socket) : .failure(SystemFault.last("epoll_ctl"))
            }, endpoint)
    }

    private func dialled(_ result: Result<EpollSocket, any Error>, _ endpoint: EndpointAddress) {
        dial = nil
        switch result {
        case .success(let socket):
            socket.pass(to: self)
            self.socket = socket
            user?.use(self)
        case .failure(let error):
            engine.noteUnreachable(endpoint, error)
            let waiting = user
            engine.close(id)
            waiting?.handle(.failed(id))
        }
    }

    // MARK: - Use

    /// Fit to be sent a request.
    var isOpen: Bool { socket?.isOpen ?? false }

    /// What is sent on it finds room.
    var isWritable: Bool { socket?.isWritable ?? false }

    func send(_ gathered: Gather) {
        if let socket { socket.send(gathered) } else { gathered.removeAll() }
    }

    func setReading(_ reads: Bool) { socket?.setReading(reads) }

    // MARK: - Ends

    /// It speaks something else than HTTP from here on, and may end what it sends before it has heard all.
    func beginTunnel() { socket?.mayHalfClose = true }

    /// Closes the sending side once everything is sent.
    func shutOutput() {
        socket?.sayGoodbye()
        ending = .shut
        if socket?.isSent == true { outputSent() }
    }

    func end() {
        user = nil
        ending = .close
        socket?.setReading(false)
        socket?.sayGoodbye()
        guard let socket, !socket.isSent else { return outputSent() }
        cutOff = loop.setTimer(for: self, at: loop.now + engine.gateway.limits.bodyTimeout)
    }

    func outputSent() {
        switch ending {
        case .none: break
        case .shut:
            ending = .none
            socket?.shutDownOutput()
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
        isAwaited = false
        socket?.sayGoodbye()
        socket?.close()
    }

    // MARK: - Socket

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
        let isCutOff = socket?.isCutOff == true
        // A server of TLS 1.3 refuses a certificate when the client takes the handshake for done (RFC 8446 §4.4.2.4).
        if let endpoint, let fault = socket?.session?.fault { engine.noteUnreachable(endpoint, fault) }
        close()
        user.handle(.closed(id, inOrder: !isCutOff))
    }

    func writabilityChanged(_ isWritable: Bool) { user?.handle(.writability(id, isWritable)) }
}

#endif
