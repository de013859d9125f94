// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// The connection of one question to an endpoint. Confined to its loop.
final class EpollProbe: EpollSocketOwner {
    private let run: ProbeRun
    private let loop: EpollLoop
    private var dial: EpollDial?
    private var socket: EpollSocket?
    private var isClosed = false

    init(_ run: ProbeRun, loop: EpollLoop) {
        self.run = run
        self.loop = loop
    }

    func connect(to address: EndpointAddress) {
        // The socket holds its owner while it is open, and the run this one until it is closed.
        run.whenClosed = { self.close() }
        let addresses = address.numeric ?? []
        guard !address.wire.speaksHTTP2 else { return ask(for: address, at: addresses) }
        let dial = EpollDial(to: address, at: addresses, loop: loop) { self.connected(try? $0.get()) }
        self.dial = dial
        dial.start()
    }

    private func ask(for address: EndpointAddress, at addresses: [String]) {
        let probe = LoopBound(self, on: loop)
        loop.bridge.connect(to: address, at: addresses, isShared: false) { result in
            let descriptor = try? result.get()
            guard !probe.value.isClosed else { return descriptor?.closeNow() ?? () }
            let loop = probe.value.loop
            let socket = descriptor.map { EpollSocket($0, loop: loop, isUpstream: true) }
            probe.value.connected(socket?.open(for: probe.value) == true ? socket : nil)
        }
    }

    private func connected(_ socket: EpollSocket?) {
        dial = nil
        guard let socket else { return run.connectFailed() }
        socket.pass(to: self)
        self.socket = socket
        run.connected().withUnsafeBytes { request in
            let gather = Gather()
            gather.append(request)
            socket.send(gather)
        }
    }

    private func close() {
        isClosed = true
        dial?.cancel()
        dial = nil
        socket?.sayGoodbye()
        socket?.close()
    }

    // MARK: - Socket

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
