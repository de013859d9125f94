// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// The connection of one question to an endpoint. Confined to its loop.
final class EpollProbe: EpollSocketOwner, EpollStreamAsker {
    private let run: ProbeRun
    private let loop: EpollLoop
    private var dial: EpollDial?
    /// Asked for a stream.
    private var asked: EpollHTTP2Upstream?
    private var carrier: (any EpollCarrier)?
    private var isClosed = false

    init(_ run: ProbeRun, loop: EpollLoop) {
        self.run = run
        self.loop = loop
    }

    func connect(to address: EndpointAddress) {
        // What carries it holds its owner while it is open, and the run this one until it is closed.
        run.whenClosed = { self.close() }
        let addresses = address.numeric ?? []
        guard !address.wire.speaksHTTP2 else { return ask(address, at: addresses) }
        let dial = EpollDial(to: address, at: addresses, loop: loop) { self.dialled(try? $0.get()) }
        self.dial = dial
        dial.start()
    }

    private func dialled(_ socket: EpollSocket?) {
        dial = nil
        socket?.pass(to: self)
        connected(socket)
    }

    /// An answer by a stream of a connection that others use too would say little of new ones.
    private func ask(_ address: EndpointAddress, at addresses: [String]) {
        let asked = loop.http2Upstreams.ask(address, at: addresses, isShared: false, for: self)
        if carrier == nil, !isClosed { self.asked = asked }
    }

    func opened(_ stream: Result<EpollStream, any Error>) {
        asked = nil
        connected(try? stream.get())
    }

    private func connected(_ carrier: (any EpollCarrier)?) {
        guard let carrier else { return run.connectFailed() }
        self.carrier = carrier
        run.connected().withUnsafeBytes { request in
            let gather = Gather()
            gather.append(request)
            carrier.send(gather)
        }
    }

    private func close() {
        isClosed = true
        dial?.cancel()
        dial = nil
        asked?.forget(self)
        asked = nil
        carrier?.sayGoodbye()
        carrier?.close(reset: false)
    }

    // MARK: - What carries it

    func received(_ bytes: UnsafeRawBufferPointer) { run.received(bytes) }

    func ended() { run.closed() }

    func inputEnded() { run.closed() }

    func writabilityChanged(_ isWritable: Bool) {}

    func outputSent() {}
}

extension EpollLoop {
    func open(_ run: ProbeRun, to address: EndpointAddress) {
        EpollProbe(run, loop: self).connect(to: address)
    }
}

#endif
