// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import Synchronization
public import TurnpikeProxyCore

/// A certificate that a gateway may show to a tenant's upstreams, with its key.
public struct ClientCertificate: Sendable {
    /// For people: what it was read from.
    public var source: String
    public var name: ClientCertificateName
    /// PEM, the certificate itself first.
    public var chain: [UInt8]
    /// PEM.
    public var key: [UInt8]

    public init(source: String, name: ClientCertificateName, chain: [UInt8], key: [UInt8]) {
        self.source = source
        self.name = name
        self.chain = chain
        self.key = key
    }
}

/// The certificates that a gateway has for upstreams that ask for one. Safe from any thread.
///
/// They are replaced as a whole: connections from then on show the new ones, and those that are open keep what they have.
public final class ClientCertificates: Sendable {
    private let known: Mutex<[ClientCertificateName: KeyPair]>

    /// None.
    public init() { known = Mutex([:]) }

    /// - Throws: ``CertificateFailure``, for the first that cannot be used; those from before stay then.
    public func replace(by certificates: [ClientCertificate]) throws(CertificateFailure) {
        var fresh: [ClientCertificateName: KeyPair] = [:]
        for certificate in certificates { fresh[certificate.name] = try Self.pair(of: certificate) }
        known.withLock { $0 = fresh }
    }

    /// - Throws: ``NoClientCertificate``.
    func pair(named name: ClientCertificateName) throws(NoClientCertificate) -> KeyPair {
        guard let pair = known.withLock({ $0[name] }) else { throw NoClientCertificate(name: name) }
        return pair
    }

    private static func pair(of certificate: ClientCertificate) throws(CertificateFailure) -> KeyPair {
        do {
            let pair = try KeyPair(chain: certificate.chain, key: certificate.key)
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            configuration.certificateChain = pair.chain
            configuration.privateKey = pair.key
            // Only to see now, rather than with the first request, whether they belong together.
            _ = try NIOSSLContext(configuration: configuration)
            return pair
        } catch {
            throw CertificateFailure(source: certificate.source, cause: error)
        }
    }
}

/// A service names a certificate that the gateway does not have. Nobody is spoken to without it then.
struct NoClientCertificate: Error, CustomStringConvertible {
    let name: ClientCertificateName

    var description: String { "the gateway has no client certificate '\(name.name)' of the tenant '\(name.tenant)'" }
}
