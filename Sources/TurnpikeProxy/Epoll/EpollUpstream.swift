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
    /// Whom it serves at present.
    var user: (any EpollUpstreamUser)?
    private var attempt: ConnectAttempt?
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
        engine.watcher.addresses(of: endpoint) { addresses in
            guard !self.isClosed else { return }
            if endpoint.wire != .plain { return self.ask(for: endpoint, at: addresses) }
            let attempt = ConnectAttempt(addresses, port: endpoint.port, loop: self.loop) { self.connected($0) }
            self.attempt = attempt
            attempt.start()
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
        if case .failure(let error) = result { engine.noteUnreachable(endpoint, error) }
        connected(descriptor)
    }

    private func connected(_ descriptor: Descriptor?) {
        attempt = nil
        if let descriptor {
            let socket = EpollSocket(descriptor, loop: loop, isUpstream: true)
            if socket.open(for: self) {
                self.socket = socket
                user?.use(self)
                return
            }
        }
        let waiting = user
        engine.close(id)
        waiting?.handle(.failed(id))
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
        ending = .shut
        if socket?.isSent == true { outputSent() }
    }

    func end() {
        user = nil
        ending = .close
        socket?.setReading(false)
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
        attempt?.cancel()
        attempt = nil
        isAwaited = false
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
        close()
        user.handle(.closed(id, inOrder: !isCutOff))
    }

    func writabilityChanged(_ isWritable: Bool) { user?.handle(.writability(id, isWritable)) }
}

#endif
