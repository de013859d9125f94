// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TurnpikeModel
import TurnpikeProxyCore

/// TLS towards upstreams, by what services say of it. A context is made once, off the event loops: reading the system's
/// authorities takes a while.
enum UpstreamTLSContexts {
    private static let most = 1024
    private static let known = Mutex<[UpstreamWire: NIOSSLContext]>([:])

    static func context(for wire: UpstreamWire, on eventLoop: any EventLoop) -> EventLoopFuture<NIOSSLContext> {
        if let known = known.withLock({ $0[wire] }) { return eventLoop.makeSucceededFuture(known) }
        return NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
            let made = try NIOSSLContext(configuration: try configuration(wire))
            known.withLock { known in
                // Services come and go; what is made anew costs a moment, and what is kept for nobody costs for ever.
                if known.count >= most { known.removeAll() }
                known[wire] = made
            }
            return made
        }
    }

    /// TLS 1.2 and newer (RFC 9325).
    private static func configuration(_ wire: UpstreamWire) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = [wire.speaksHTTP2 ? "h2" : "http/1.1"]
        if let authorities = wire.tls?.authorities {
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authorities.utf8)))
        }
        if wire.tls?.verifies == false { configuration.certificateVerification = .none }
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
