// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// Who asks an upstream's connection for a stream, and is its user then.
protocol EpollStreamAsker: HTTP2StreamUser {
    /// A request can be sent on the stream; or why there is none.
    func opened(_ stream: Result<EpollStream, any Error>)
}

/// Moves bytes and events between one socket to an upstream and its ``HTTP2UpstreamConnection``. Confined to its loop.
///
/// It takes streams from the beginning, which wait until the connection is there. What they have to say in one turn of the loop
/// goes out in one piece at its end.
final class EpollHTTP2Upstream: EpollStreamKeeper, EpollSocketOwner, TimerOwner, TurnEndOwner {
    private let endpoint: EndpointAddress
    private let loop: EpollLoop
    /// As who asked last wants it: services that share an endpoint share its connections.
    private var idleTimeout: UInt64
    /// A connection of somebody's own has one stream only.
    private let isShared: Bool
    private let whenGone: (EpollHTTP2Upstream) -> Void
    private var dial: EpollDial?
    /// Who waits for the connection.
    private var askers: [any EpollStreamAsker] = []
    private var socket: EpollSocket?
    private var http2: HTTP2UpstreamConnection?
    private var isGone = false
    private var isTurnEndPlanned = false
    private var timer = MovingTimer()

    /// - Parameter whenGone: called once nothing can be asked of it any more.
    init(
        _ endpoint: EndpointAddress, isShared: Bool, loop: EpollLoop, whenGone: @escaping (EpollHTTP2Upstream) -> Void
    ) {
        self.endpoint = endpoint
        idleTimeout = endpoint.idleTime
        self.isShared = isShared
        self.loop = loop
        self.whenGone = whenGone
    }

    // MARK: - Opening

    func connect(at addresses: [String]) {
        let dial = EpollDial(to: endpoint, at: addresses, loop: loop) { self.dialled($0) }
        self.dial = dial
        dial.start()
    }

    private func dialled(_ result: Result<EpollSocket, any Error>) {
        dial = nil
        switch result {
        case .success(let socket): begin(on: socket)
        case .failure(let error):
            let waiting = askers
            leave()
            for asker in waiting { asker.opened(.failure(error)) }
        }
    }

    private func begin(on socket: EpollSocket) {
        socket.pass(to: self)
        self.socket = socket
        let http2 = HTTP2UpstreamConnection(
            isSecure: endpoint.wire.tls != nil, limits: loop.upstreams.limits, idleTimeout: idleTimeout,
            silence: loop.upstreams.silence, now: loop.now)
        self.http2 = http2
        let waiting = askers
        askers = []
        for asker in waiting { open(for: asker, on: http2) }
        if !isShared { http2.leave() }
        wantsTurnEnd()
    }

    // MARK: - Streams

    /// Whether it has, or will have, one more stream to give.
    var hasRoom: Bool { !isGone && (http2?.hasRoom ?? (askers.count < HTTP2UpstreamConnection.concurrentStreams)) }

    /// Gives `asker` a stream: at once where it can.
    ///
    /// - Parameter idleTimeout: nanoseconds that the connection may wait for another once it has none.
    func ask(_ asker: any EpollStreamAsker, idleTimeout: UInt64) {
        self.idleTimeout = idleTimeout
        http2?.idleTimeout = idleTimeout
        if let http2 { open(for: asker, on: http2) } else { askers.append(asker) }
    }

    private func open(for asker: any EpollStreamAsker, on http2: HTTP2UpstreamConnection) {
        asker.opened(.success(EpollStream(http2.open(for: asker), of: self)))
    }

    /// Who has asked does not want it any more. Nobody connects for nobody.
    func forget(_ asker: any EpollStreamAsker) {
        askers.removeAll { $0 === asker }
        if socket == nil, askers.isEmpty { leave() }
    }

    // MARK: - Events

    func received(_ bytes: UnsafeRawBufferPointer) {
        http2?.received(bytes, now: loop.now)
        wantsTurnEnd()
    }

    func ended() {
        http2?.lost()
        leave()
    }

    func inputEnded() { ended() }

    func writabilityChanged(_ isWritable: Bool) {
        http2?.writability(isWritable, now: loop.now)
        wantsTurnEnd()
    }

    func outputSent() {}

    // MARK: - Output

    func wantsTurnEnd() {
        guard !isTurnEndPlanned else { return }
        isTurnEndPlanned = true
        loop.endTurn(with: self)
    }

    /// Also of a connection that is gone: some may not have read all that it has brought.
    func turnEnded() {
        isTurnEndPlanned = false
        guard let http2, let socket else { return }
        repeat {
            http2.eventsEnded(now: loop.now)
            http2.takeOutput { bytes in
                loop.toUpstream.append(bytes)
                socket.send(loop.toUpstream)
            }
        } while http2.hasOutput && socket.isWritable
        if http2.isOver { return leave() }
        timer.set(at: http2.deadline, for: self, on: loop)
    }

    // MARK: - Ends

    /// Breaks off what streams there are.
    func close() {
        http2?.lost()
        leave()
    }

    private func leave() {
        guard !isGone else { return }
        isGone = true
        askers = []
        dial?.cancel()
        dial = nil
        timer.cancel(on: loop)
        socket?.sayGoodbye()
        socket?.close()
        whenGone(self)
    }

    func timerFired() {
        timer.fired()
        http2?.timerFired(now: loop.now)
        wantsTurnEnd()
    }
}

#endif
