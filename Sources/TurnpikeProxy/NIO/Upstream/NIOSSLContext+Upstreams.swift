// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import TurnpikeModel
import TurnpikeProxyCore

extension NIOSSLContext {
    static let towardsUpstreams = UpstreamTLSContexts<NIOSSLContext> {
        try NIOSSLContext(configuration: configuration($0, showing: $1?.nio))
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
