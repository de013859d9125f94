// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// A client's TLS connection from its first byte until its handshake is done; an ``EpollClient`` has it then, or an
/// ``EpollHTTP2Client``. Confined to its loop.
final class EpollHandshake: EpollPeer, EpollSocketOwner, TimerOwner {
    private let socket: EpollSocket
    private let certificates: ServerCertificates
    /// What came before it was known who asks for what.
    private var hello: [UInt8] = []
    private var hasBegun = false
    private var timer: TimerID?

    init(
        _ socket: EpollSocket, from address: ClientAddress, certificates: ServerCertificates, engine: EpollEngine,
        loop: EpollLoop
    ) {
        self.socket = socket
        self.certificates = certificates
        super.init(from: address, engine: engine, loop: loop)
    }

    /// It has as long as a request's head.
    func open() {
        guard engine.admit(self) else { return socket.turnAway() }
        guard socket.open(for: self) else { return engine.forget(self) }
        timer = loop.setTimer(for: self, at: loop.now + engine.gateway.limits.headTimeout)
    }

    // MARK: - Hello

    func received(_ bytes: UnsafeRawBufferPointer) {
        hasBegun = true
        hello.append(contentsOf: bytes)
        switch ClientHello.read(hello) {
        case .incomplete: break
        case .complete(let hello): begin(showing: hello.serverName)
        // OpenSSL tells the client what is wrong, or finds nothing wrong.
        case .unreadable: begin(showing: nil)
        }
    }

    /// Whom there is no certificate for gets no answer that could be shown to him.
    private func begin(showing serverName: String?) {
        guard let shown = certificates.shown(for: serverName),
            let session = TLSSession(shown.epoll, wire: loop.wire)
        else { return ended() }
        let hello = hello
        self.hello = []
        hello.withUnsafeBytes { socket.secure(by: session, having: $0) }
    }

    func secured() {
        finish()
        engine.load.arrived()
        if socket.session?.speaksHTTP2 == true {
            EpollHTTP2Client(socket, from: address, over: .https, engine: engine, loop: loop).takeOver()
        } else {
            EpollClient(socket, from: address, over: .https, engine: engine, loop: loop).takeOver(socket)
        }
    }

    // MARK: - Ends

    /// Who says nothing at all has begun no handshake.
    func ended() {
        if hasBegun { engine.watch.metrics.handshakeFailed() }
        abort()
    }

    func timerFired() {
        timer = nil
        ended()
    }

    /// A handshake has nothing to lose, in draining either.
    override func abort() {
        socket.close()
        finish()
    }

    private func finish() {
        if let timer { loop.cancel(timer) }
        timer = nil
        engine.forget(self)
    }

    // MARK: - What is of no interest before its end

    func inputEnded() {}
    func writabilityChanged(_ isWritable: Bool) {}
    func outputSent() {}
}

#endif
