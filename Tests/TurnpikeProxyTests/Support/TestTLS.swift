// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import NIOTLS
import TurnpikeProxy

/// TLS of a test's own.
enum TestTLS {
    /// - Parameters:
    ///   - protocols: what a server speaks, by ALPN.
    ///   - clients: who has to show one of these certificates; empty asks nobody.
    static func server(
        _ certificate: ServerCertificate, speaking protocols: [String] = ["http/1.1"],
        onlyFor clients: [ServerCertificate] = []
    ) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(certificate.chain).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: certificate.key, format: .pem)))
        configuration.applicationProtocols = protocols
        configuration.shutdownTimeout = .milliseconds(200)
        if !clients.isEmpty {
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates(
                try clients.flatMap { try NIOSSLCertificate.fromPEMBytes($0.chain) })
        }
        return try NIOSSLContext(configuration: configuration)
    }

    /// A client that trusts everybody.
    static func client(_ serverName: String?, offering protocols: [String]) throws -> NIOSSLClientHandler {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = protocols
        // Where the other side does not say goodbye too.
        configuration.shutdownTimeout = .milliseconds(200)
        return try NIOSSLClientHandler(context: NIOSSLContext(configuration: configuration), serverHostname: serverName)
    }
}

/// Tells when a client's handshake is done, and what was chosen in it (ALPN).
final class HandshakeWatch: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    private let promise: EventLoopPromise<String?>

    init(_ promise: EventLoopPromise<String?>) { self.promise = promise }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let chosen)? = event as? TLSUserEvent { promise.succeed(chosen) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.fireErrorCaught(error)
    }
}
