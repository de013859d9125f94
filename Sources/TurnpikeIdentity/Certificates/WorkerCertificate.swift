// SPDX-License-Identifier: Apache-2.0

import Crypto
import SwiftASN1
import TurnpikeModel
import X509

import struct X509.Certificate

/// The certificates by which workers show who they are.
public enum WorkerCertificate {
    /// The trust domain of all identities (SPIFFE-ID, section 2.1).
    static let trustDomain = "turnpike"
    /// Far beyond any request.
    public static let requestLimitBytes = 8192

    /// A worker's SPIFFE id.
    static func identity(of worker: String) -> String { "spiffe://\(trustDomain)/worker/\(worker)" }

    /// Whether a certificate names this worker. Whether it can be believed is the handshake's affair.
    ///
    /// - Parameter der: the certificate.
    public static func names(_ worker: String, der: [UInt8]) -> Bool {
        guard let certificate = try? Certificate(derEncoded: der),
            let names = try? certificate.extensions.subjectAlternativeNames
        else { return false }
        return names.contains(.uniformResourceIdentifier(identity(of: worker)))
    }

    /// Whether the text is a request that holds together, without issuing anything.
    ///
    /// - Throws: why not.
    public static func check(request: String) throws(CertificateFault) { _ = try read(request) }

    static func read(_ request: String) throws(CertificateFault) -> CertificateSigningRequest {
        guard request.utf8.count <= requestLimitBytes,
            let read = try? CertificateSigningRequest(pemEncoded: request)
        else { throw CertificateFault("It is no certificate request in PEM.") }
        guard read.publicKey.isValidSignature(read.signature, for: read) else {
            throw CertificateFault("The certificate request is not signed by its own key.")
        }
        return read
    }
}

/// The key of a worker, which never leaves it.
public struct WorkerKey: Sendable {
    private let key: Certificate.PrivateKey

    /// A new key (ECDSA, P-256).
    public init() { key = Certificate.PrivateKey(P256.Signing.PrivateKey()) }

    /// A key that was made before.
    public init(pem: String) throws(CertificateFault) {
        do { key = try Certificate.PrivateKey(pemEncoded: pem) } catch {
            throw CertificateFault("It is no private key in PEM.", cause: error)
        }
    }

    /// A secret, for the file that keeps it and for TLS.
    public func pem() throws(CertificateFault) -> String {
        do { return try key.serializeAsPEM().pemString + "\n" } catch {
            throw CertificateFault("The key cannot be written.", cause: error)
        }
    }

    /// Asks for a certificate of this key, in PEM. The authority decides on the name.
    public func certificateRequest() throws(CertificateFault) -> String {
        do {
            return try CertificateSigningRequest(
                version: .v1, subject: try DistinguishedName { CommonName("turnpike-worker") }, privateKey: key,
                attributes: CertificateSigningRequest.Attributes(), signatureAlgorithm: .ecdsaWithSHA256
            ).serializeAsPEM().pemString + "\n"
        } catch { throw CertificateFault("The certificate request cannot be made.", cause: error) }
    }
}
