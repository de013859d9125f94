// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// A client's TLS connection until its handshake is done, which also tells what is spoken within. Confined to its loop.
final class EpollHandshake: EpollOpening {
    private let certificates: ServerCertificates
    /// What came before it was known who asks for what.
    private var hello: [UInt8] = []
    private var hasBegun = false

    init(
        _ socket: EpollSocket, from address: ClientAddress, certificates: ServerCertificates, engine: EpollEngine,
        loop: EpollLoop
    ) {
        self.certificates = certificates
        super.init(socket, from: address, engine: engine, loop: loop)
    }

    /// It has as long as a request's head.
    func open() { open(within: gateway.limits.headTimeout) }

    // MARK: - Hello

    override func received(_ bytes: UnsafeRawBufferPointer) {
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

    override func secured() { serve(over: .https, speaksHTTP2: socket.session?.speaksHTTP2 == true) }

    /// Who says nothing at all has begun no handshake.
    override func ended() {
        if hasBegun { engine.watch.metrics.handshakeFailed() }
        super.ended()
    }
}

#endif
