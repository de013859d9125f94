// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// A client's connection from its first byte until it is known what is spoken on it; an ``EpollClient`` has it then, or an
/// ``EpollHTTP2Client``. Confined to its loop.
class EpollOpening: EpollPeer, EpollSocketOwner, TimerOwner {
    let socket: EpollSocket
    private var timer: TimerID?

    init(_ socket: EpollSocket, from address: ClientAddress, engine: EpollEngine, loop: EpollLoop) {
        self.socket = socket
        super.init(from: address, engine: engine, loop: loop)
    }

    /// - Parameter patience: nanoseconds until it has to be known.
    final func open(within patience: UInt64) {
        guard engine.admit(self) else { return socket.turnAway() }
        guard socket.open(for: self) else { return engine.forget(self) }
        timer = loop.setTimer(for: self, at: loop.now + patience)
    }

    func received(_ bytes: UnsafeRawBufferPointer) {}

    func secured() {}

    /// Leaves the open socket to who serves it from here on.
    ///
    /// - Parameter bytes: what came of the connection and was not used.
    final func serve(
        over scheme: RequestForwarding.Scheme, speaksHTTP2: Bool, having bytes: UnsafeRawBufferPointer? = nil
    ) {
        finish()
        // It counts anew with the client that it becomes.
        engine.load.arrived()
        if speaksHTTP2 {
            EpollHTTP2Client(socket, from: address, over: scheme, engine: engine, loop: loop).takeOver()
        } else {
            EpollClient(socket, from: address, over: scheme, engine: engine, loop: loop).takeOver(socket)
        }
        // Nobody has it where one more client was not welcome.
        if let bytes { socket.owner?.received(bytes) }
    }

    // MARK: - Ends

    func ended() { abort() }

    final func timerFired() {
        timer = nil
        ended()
    }

    /// There is nothing to lose yet, in draining either.
    final override func abort() {
        socket.close()
        finish()
    }

    private func finish() {
        if let timer { loop.cancel(timer) }
        timer = nil
        engine.forget(self)
    }

    // MARK: - What is of no interest before its end

    final func inputEnded() {}
    final func writabilityChanged(_ isWritable: Bool) {}
    final func outputSent() {}
}

#endif
