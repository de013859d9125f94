// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import NIOTLS
import TurnpikeProxyCore

/// A client's TLS connection until its handshake is done, which also tells what is spoken within.
final class SecureConnection: OpeningHandler {
    /// Puts what a connection needs until its handshake is done into its channel, on whose event loop this is called.
    static func add(
        to channel: any Channel, engine: NIOEngine, connector: UpstreamConnector, certificates: ServerCertificates
    ) throws {
        let bound = NIOLoopBound(engine, eventLoop: channel.eventLoop)
        let reader = SNIHandler { result in
            let name: String? = if case .hostname(let name) = result { name } else { nil }
            return channel.eventLoop.makeCompletedFuture {
                // Whom there is no certificate for gets no answer that could be shown to him.
                guard let shown = certificates.shown(for: name) else { throw NoCertificate() }
                let pipeline = channel.pipeline.syncOperations
                let sni = try pipeline.context(handlerType: ByteToMessageHandler<SNIHandler>.self)
                try pipeline.addHandlers([NIOSSLServerHandler(context: shown.nio)], position: .after(sni.handler))
                _ = pipeline.removeHandler(context: sni)
            }.flatMapErrorThrowing { error in
                bound.value.watch.metrics.handshakeFailed()
                channel.close(promise: nil)
                throw error
            }
        }
        try channel.pipeline.syncOperations.addHandlers([
            ByteToMessageHandler(reader), SecureConnection(engine: engine, connector: connector),
        ])
    }

    // MARK: - Channel

    override func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let spoken)? = event as? TLSUserEvent, isOpening else {
            return super.userInboundEventTriggered(context: context, event: event)
        }
        serve(context, over: .https, speaksHTTP2: spoken == "h2")
    }

    override func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isOpening { engine.watch.metrics.handshakeFailed() }
        super.errorCaught(context: context, error: error)
    }

    private struct NoCertificate: Error {}
}
