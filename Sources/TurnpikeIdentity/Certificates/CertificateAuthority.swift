// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import SwiftASN1
public import TurnpikeModel
import X509

import struct X509.Certificate

/// A certificate authority of the control plane's own: it vouches for the control plane's address and for its workers.
///
/// One root (ECDSA, P-256), which signs the others directly. Immutable, and safe from any thread; making a signature takes
/// some 0.1 ms.
public struct CertificateAuthority: Sendable {
    /// How long a root is good.
    public static let lifetime = Duration.seconds(10 * 365 * 86_400)
    /// How long the certificate of the control plane is good; it is renewed at half of that.
    public static let serverLifetime = Duration.seconds(90 * 86_400)
    /// Certificates begin a little before they are made, for clocks that are behind.
    static let allowance = Duration.seconds(300)

    private let certificate: Certificate
    private let key: Certificate.PrivateKey

    /// The root's certificate in PEM, which is no secret: whom clients and workers are to trust.
    public let certificatePEM: String

    /// A new root.
    public init(now: Timestamp) throws(CertificateFault) {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        do {
            let name = try DistinguishedName {
                OrganizationName("Turnpike")
                CommonName("Turnpike CA \(now.description.prefix(10))")
            }
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
                notValidBefore: Date(now.advanced(by: .zero - Self.allowance)),
                notValidAfter: Date(now.advanced(by: Self.lifetime)), issuer: name, subject: name,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    SubjectKeyIdentifier(hash: key.publicKey)
                },
                issuerPrivateKey: key)
            try self.init(certificate, key)
        } catch { throw CertificateFault("The CA cannot be made.", cause: error) }
    }

    /// A root that was made before.
    ///
    /// - Throws: where the texts are not PEM, or do not belong together.
    public init(certificatePEM: String, privateKeyPEM: String) throws(CertificateFault) {
        do {
            try self.init(
                Certificate(pemEncoded: certificatePEM), Certificate.PrivateKey(pemEncoded: privateKeyPEM))
        } catch { throw CertificateFault("The CA's files are no certificate and key in PEM.", cause: error) }
        guard certificate.publicKey == key.publicKey else {
            throw CertificateFault("The CA's key does not belong to its certificate.")
        }
    }

    private init(_ certificate: Certificate, _ key: Certificate.PrivateKey) throws {
        self.certificate = certificate
        self.key = key
        certificatePEM = try certificate.serializeAsPEM().pemString + "\n"
    }

    /// The private key in PEM: a secret, for the file that keeps it and nobody else.
    public func privateKeyPEM() throws(CertificateFault) -> String {
        do { return try key.serializeAsPEM().pemString + "\n" } catch {
            throw CertificateFault("The CA's key cannot be written.", cause: error)
        }
    }

    public var expiresAt: Timestamp { Timestamp(certificate.notValidAfter) }

    // MARK: - Issuing

    /// A certificate and a new key for a server.
    ///
    /// - Parameter names: the host names and addresses by which it is called, at least one.
    public func issueServer(names: [String], now: Timestamp) throws(CertificateFault) -> IssuedServerCertificate {
        let serverKey = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let alternatives = names.map { name in
            IPAddressText.bytes(of: name).map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) }
                ?? GeneralName.dnsName(name)
        }
        do {
            let issued = try issue(
                to: serverKey.publicKey, commonName: names.first ?? "turnpike", alternatives, usage: .serverAuth,
                lifetime: Self.serverLifetime, now: now)
            return IssuedServerCertificate(
                certificatePEM: try issued.serializeAsPEM().pemString + "\n" + certificatePEM,
                privateKeyPEM: try serverKey.serializeAsPEM().pemString + "\n")
        } catch { throw CertificateFault("The server's certificate cannot be made.", cause: error) }
    }

    /// A certificate for a worker that has shown that it holds the request's key.
    ///
    /// - Parameters:
    ///   - request: a certificate request (PKCS #10, RFC 2986) in PEM; of it, only the key is taken.
    ///   - worker: the worker's id, `wrk_…`, which the certificate names.
    /// - Returns: the certificate in PEM.
    /// - Throws: where the request is none, or is not signed by its own key.
    public func issueWorker(
        _ request: String, worker: String, lifetime: Duration, now: Timestamp
    ) throws(CertificateFault) -> String {
        let request = try WorkerCertificate.read(request)
        do {
            return try issue(
                to: request.publicKey, commonName: worker,
                [.uniformResourceIdentifier(WorkerCertificate.identity(of: worker))], usage: .clientAuth,
                lifetime: lifetime, now: now
            ).serializeAsPEM().pemString + "\n"
        } catch { throw CertificateFault("The worker's certificate cannot be made.", cause: error) }
    }

    private func issue(
        to publicKey: Certificate.PublicKey, commonName: String, _ names: [GeneralName], usage: ExtendedKeyUsage.Usage,
        lifetime: Duration, now: Timestamp
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
            notValidBefore: Date(now.advanced(by: .zero - Self.allowance)),
            notValidAfter: Date(min(now.advanced(by: lifetime), expiresAt)), issuer: certificate.subject,
            // 64 characters are the most that X.520 allows a common name.
            subject: try DistinguishedName { CommonName(String(commonName.prefix(64))) },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([usage])
                SubjectAlternativeNames(names)
                SubjectKeyIdentifier(hash: publicKey)
                AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: key.publicKey).keyIdentifier)
            },
            issuerPrivateKey: key)
    }
}

/// What a server of the authority proves itself with, PEM throughout.
public struct IssuedServerCertificate: Sendable {
    /// The server's own certificate, then the root's.
    public var certificatePEM: String
    /// A secret.
    public var privateKeyPEM: String
}

/// Why a certificate cannot be made or taken, in a sentence.
public struct CertificateFault: Error, Sendable, CustomStringConvertible {
    public var description: String
    public var cause: (any Error)?

    public init(_ description: String, cause: (any Error)? = nil) {
        self.description = description
        self.cause = cause
    }
}

extension Date {
    fileprivate init(_ time: Timestamp) { self.init(timeIntervalSince1970: Double(time.milliseconds / 1000)) }
}

extension Timestamp {
    init(_ date: Date) { self.init(milliseconds: Int64(date.timeIntervalSince1970) * 1000) }
}
