// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// Moves bytes and events between one client's socket and its ``HTTP2Connection``, each of whose streams an ``EpollClient``
/// serves. Confined to its loop.
///
/// What the streams of a connection have to say in one turn of the loop goes out in one piece at its end.
final class EpollHTTP2Client: EpollPeer, EpollStreamKeeper, EpollSocketOwner, HTTP2ConnectionUser, TimerOwner,
    TurnEndOwner
{
    /// A client that is told the end may still be sending; what it sends is thrown away for so long and so much, since closing
    /// on it could lose the last word to a reset.
    private static let lingerTime: UInt64 = 2_000_000_000
    private static let lingerBytes = 1 << 20

    private let socket: EpollSocket
    private let scheme: RequestForwarding.Scheme
    /// The loop's.
    private let gather: Gather
    private let http2: HTTP2Connection
    private var isTurnEndPlanned = false
    private var timer = MovingTimer()
    /// When a client that was told the end is left, whatever it does.
    private var lingersUntil: UInt64?
    private var lingered = 0

    init(
        _ socket: EpollSocket, from address: ClientAddress, over scheme: RequestForwarding.Scheme, engine: EpollEngine,
        loop: EpollLoop
    ) {
        self.socket = socket
        self.scheme = scheme
        gather = loop.toClient
        http2 = HTTP2Connection(limits: engine.gateway.limits, now: loop.now)
        super.init(from: address, engine: engine, loop: loop)
        http2.user = self
    }

    /// Takes an open socket over from its owner.
    func takeOver() {
        socket.pass(to: self)
        guard engine.admit(self) else { return leave() }
        wantsTurnEnd()
    }

    // MARK: - Events

    func received(_ bytes: UnsafeRawBufferPointer) {
        guard lingersUntil == nil else { return linger(over: bytes.count) }
        http2.received(bytes, now: loop.now)
        wantsTurnEnd()
    }

    func opened(_ stream: HTTP2Stream) -> (any HTTP2StreamUser)? {
        engine.load.arrived()
        let client = EpollClient(
            EpollStream(stream, of: self), from: address, over: scheme, engine: engine, loop: loop)
        client.wait()
        return client
    }

    func refused(_ fault: HTTP2Fault) -> [UInt8]? {
        engine.tick()
        return engine.gateway.refused(fault, from: address, over: scheme)
    }

    func failed(_ fault: HTTP2ConnectionFault) { engine.watch.metrics.connectionFailed(fault) }

    func ended() {
        http2.lost()
        leave()
    }

    func inputEnded() { ended() }

    /// From a client that takes nothing, nothing is taken either: what it sends asks for answers.
    func writabilityChanged(_ isWritable: Bool) {
        http2.writability(isWritable, now: loop.now)
        socket.setReading(isWritable)
        wantsTurnEnd()
    }

    func outputSent() {
        if lingersUntil != nil { socket.shutDownOutput() }
    }

    override func drain() {
        http2.drain(now: loop.now)
        wantsTurnEnd()
    }

    override func abort() { ended() }

    // MARK: - Output

    func wantsTurnEnd() {
        guard !isTurnEndPlanned else { return }
        isTurnEndPlanned = true
        loop.endTurn(with: self)
    }

    func turnEnded() {
        isTurnEndPlanned = false
        guard socket.isOpen, lingersUntil == nil else { return }
        repeat {
            http2.eventsEnded(now: loop.now)
            http2.takeOutput { bytes in
                gather.append(bytes)
                socket.send(gather)
            }
        } while http2.hasOutput && socket.isWritable
        if http2.isOver { beginLingering() }
        setTimer()
    }

    // MARK: - Ends

    private func beginLingering() {
        lingersUntil = loop.now + Self.lingerTime
        socket.setReading(true)
        socket.sayGoodbye()
        if socket.isSent { socket.shutDownOutput() }
    }

    private func linger(over count: Int) {
        lingered += count
        if lingered > Self.lingerBytes { leave() }
    }

    private func leave() {
        guard socket.isOpen else { return }
        socket.close()
        timer.cancel(on: loop)
        engine.forget(self)
    }

    // MARK: - Time

    private func setTimer() {
        if socket.isOpen { timer.set(at: lingersUntil ?? http2.deadline, for: self, on: loop) }
    }

    func timerFired() {
        timer.fired()
        if let lingersUntil, loop.now >= lingersUntil { return leave() }
        http2.timerFired(now: loop.now)
        wantsTurnEnd()
    }
}

#endif
