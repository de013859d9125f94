// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TurnpikeModel
import TurnpikeProxyCore

/// TLS towards upstreams, by what services say of it. A context is made off the event loops, since reading the system's
/// authorities takes a while, and once, unless the certificate that it shows is renewed.
enum UpstreamTLSContexts {
    private struct Made: Sendable {
        let context: NIOSSLContext
        /// What it shows.
        let pair: KeyPair?
    }

    private static let most = 1024
    private static let known = Mutex<[UpstreamWire: Made]>([:])

    /// Fails with ``NoClientCertificate`` where the wire names a certificate that is not there.
    static func context(
        for wire: UpstreamWire, showing certificates: ClientCertificates, on eventLoop: any EventLoop
    ) -> EventLoopFuture<NIOSSLContext> {
        let pair: KeyPair?
        do { pair = try wire.clientCertificate.map(certificates.pair) } catch {
            return eventLoop.makeFailedFuture(error)
        }
        if let known = known.withLock({ $0[wire] }), known.pair === pair {
            return eventLoop.makeSucceededFuture(known.context)
        }
        return NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
            let made = try NIOSSLContext(configuration: try configuration(wire, showing: pair))
            known.withLock { known in
                // Services come and go; what is made anew costs a moment, and what is kept for nobody costs for ever.
                if known.count >= most { known.removeAll() }
                known[wire] = Made(context: made, pair: pair)
            }
            return made
        }
    }

    /// TLS 1.2 and newer (RFC 9325).
    private static func configuration(_ wire: UpstreamWire, showing pair: KeyPair?) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = [wire.speaksHTTP2 ? "h2" : "http/1.1"]
        if let authorities = wire.tls?.authorities {
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authorities.utf8)))
        }
        if wire.tls?.verifies == false { configuration.certificateVerification = .none }
        if let pair {
            configuration.certificateChain = pair.chain
            configuration.privateKey = pair.key
        }
        return configuration
    }
}

extension UpstreamTLS {
    /// The name that the upstream is asked for and has to prove. `nil` for an address, which it proves as such.
    func name(for host: String) -> String? {
        if let serverName { return serverName }
        return (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
    }
}
