// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// One upstream connection, which serves one client after the other. Confined to its loop.
///
/// While it is nobody's it must be silent; whatever it says then, and its end, make it useless.
final class EpollUpstream: EngineUpstream, EpollSocketOwner {
    let id: UpstreamID
    private let engine: EpollEngine
    private let loop: EpollLoop
    /// Whom it serves at present.
    var client: EpollClient?
    private var attempt: ConnectAttempt?
    private var socket: EpollSocket?

    init(id: UpstreamID, engine: EpollEngine, loop: EpollLoop, client: EpollClient) {
        self.id = id
        self.engine = engine
        self.loop = loop
        self.client = client
    }

    // MARK: - Connecting

    func connect(to endpoint: EndpointAddress) {
        let attempt = ConnectAttempt(endpoint, loop: loop) { self.connected($0) }
        self.attempt = attempt
        attempt.start()
    }

    private func connected(_ descriptor: Descriptor?) {
        attempt = nil
        if let descriptor {
            let socket = EpollSocket(descriptor, loop: loop, isUpstream: true)
            if socket.open(for: self) {
                self.socket = socket
                client?.use(self)
                return
            }
        }
        let waiting = client
        engine.close(id)
        waiting?.handle(.upstreamFailed(id))
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

    func close() {
        client = nil
        attempt?.cancel()
        attempt = nil
        socket?.close()
    }

    // MARK: - Socket

    func received(_ bytes: UnsafeRawBufferPointer) {
        if let client { client.handle(.upstreamReceived(id), bytes) } else { engine.lost(self) }
    }

    func ended() {
        guard let client else { return engine.lost(self) }
        engine.forget(self)
        close()
        client.handle(.upstreamClosed(id))
    }

    func writabilityChanged(_ isWritable: Bool) { client?.handle(.upstreamWritability(id, isWritable)) }

    func outputSent() {}
}

#endif
