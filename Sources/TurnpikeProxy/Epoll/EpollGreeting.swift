// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// A client's connection in the clear until its first bytes have told what it speaks: HTTP/2 where they are its preface, which a
/// client sends who knows beforehand (RFC 9113 §3.3), else HTTP/1.1. Confined to its loop.
final class EpollGreeting: EpollPeer, EpollSocketOwner, TimerOwner {
    private let socket: EpollSocket
    /// What came, as long as it could become either.
    private var read: [UInt8] = []
    private var timer: TimerID?

    init(_ socket: EpollSocket, from address: ClientAddress, engine: EpollEngine, loop: EpollLoop) {
        self.socket = socket
        super.init(from: address, engine: engine, loop: loop)
    }

    /// It may stay silent as long as a client between two requests.
    func open() {
        guard engine.admit(self) else { return socket.turnAway() }
        guard socket.open(for: self) else { return engine.forget(self) }
        timer = loop.setTimer(for: self, at: loop.now + gateway.limits.idleTimeout)
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        guard read.isEmpty else {
            read += bytes
            let whole = read
            return whole.withUnsafeBytes { greet(by: $0) }
        }
        greet(by: bytes)
    }

    private func greet(by bytes: UnsafeRawBufferPointer) {
        switch HTTP2Preface.judge(bytes) {
        case .undecided: read = Array(bytes)
        case .isThere:
            leave()
            let client = EpollHTTP2Client(socket, from: address, over: .http, engine: engine, loop: loop)
            client.takeOver()
            if socket.isOpen { client.received(bytes) }
        case .isNot:
            leave()
            let client = EpollClient(socket, from: address, engine: engine, loop: loop)
            client.takeOver(socket)
            if socket.isOpen { client.received(bytes) }
        }
    }

    // MARK: - Ends

    func ended() { abort() }

    func timerFired() {
        timer = nil
        abort()
    }

    override func abort() {
        socket.close()
        finish()
    }

    private func finish() {
        if let timer { loop.cancel(timer) }
        timer = nil
        engine.forget(self)
    }

    /// The client counts anew with who serves it from here on.
    private func leave() {
        finish()
        engine.load.arrived()
    }

    // MARK: - What is of no interest before its end

    func inputEnded() {}
    func writabilityChanged(_ isWritable: Bool) {}
    func outputSent() {}
}

#endif
