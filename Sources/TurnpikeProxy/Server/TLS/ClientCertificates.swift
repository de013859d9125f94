// SPDX-License-Identifier: Apache-2.0

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
    private let known: Mutex<[ClientCertificateName: ReadyClientCertificate]>

    /// None.
    public init() { known = Mutex([:]) }

    /// - Throws: ``CertificateFailure``, for the first that cannot be used; those from before stay then.
    public func replace(by certificates: [ClientCertificate]) throws(CertificateFailure) {
        var fresh: [ClientCertificateName: ReadyClientCertificate] = [:]
        for certificate in certificates { fresh[certificate.name] = try ReadyClientCertificate(certificate) }
        known.withLock { $0 = fresh }
    }

    /// - Throws: ``NoClientCertificate``.
    func named(_ name: ClientCertificateName) throws(NoClientCertificate) -> ReadyClientCertificate {
        guard let ready = known.withLock({ $0[name] }) else { throw NoClientCertificate(name: name) }
        return ready
    }
}

/// A service names a certificate that the gateway does not have. Nobody is spoken to without it then.
struct NoClientCertificate: Error, CustomStringConvertible {
    let name: ClientCertificateName

    var description: String { "the gateway has no client certificate '\(name.name)' of the tenant '\(name.tenant)'" }
}
