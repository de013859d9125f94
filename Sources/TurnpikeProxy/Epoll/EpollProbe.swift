// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// The connection of one question to an endpoint. Confined to its loop.
final class EpollProbe: EpollSocketOwner {
    private let run: ProbeRun
    private let loop: EpollLoop
    private var attempt: ConnectAttempt?
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
        guard address.wire == .plain else { return ask(for: address, at: addresses) }
        let attempt = ConnectAttempt(addresses, port: address.port, loop: loop) { self.connected($0) }
        self.attempt = attempt
        attempt.start()
    }

    private func ask(for address: EndpointAddress, at addresses: [String]) {
        let probe = LoopBound(self, on: loop)
        loop.bridge.connect(to: address, at: addresses, isShared: false) { result in
            let descriptor = try? result.get()
            guard !probe.value.isClosed else { return descriptor?.closeNow() ?? () }
            probe.value.connected(descriptor)
        }
    }

    private func connected(_ descriptor: Descriptor?) {
        attempt = nil
        guard let descriptor else { return run.connectFailed() }
        let socket = EpollSocket(descriptor, loop: loop, isUpstream: true)
        guard socket.open(for: self) else { return run.connectFailed() }
        self.socket = socket
        run.connected().withUnsafeBytes { request in
            let gather = Gather()
            gather.append(request)
            socket.send(gather)
        }
    }

    private func close() {
        isClosed = true
        attempt?.cancel()
        attempt = nil
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
