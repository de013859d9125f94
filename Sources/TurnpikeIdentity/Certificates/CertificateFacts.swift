// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SwiftASN1
public import TurnpikeModel
import TurnpikeSnapshot
import X509

import struct X509.Certificate

/// What a certificate says of itself. Whether anybody believes it is the affair of those to whom it is shown.
public struct CertificateFacts: Sendable, Hashable {
    /// The DNS names that it speaks for, each once, in lower case (RFC 9525 §2); a `*` stands for the first label.
    public let names: [String]
    public let beginsAt: Timestamp
    public let expiresAt: Timestamp
    /// SHA-256 of the certificate (DER), in lower-case hexadecimal.
    public let fingerprint: String
    /// SHA-256 of its public key (SubjectPublicKeyInfo), in lower-case hexadecimal.
    public let keyFingerprint: String

    /// - Parameter chain: PEM; the first certificate is its holder's own.
    /// - Throws: where it is no certificate in PEM.
    public init(chain: String) throws(CertificateFault) {
        do {
            guard let first = try PEMDocument.parseMultiple(pemString: chain).first else {
                throw CertificateFault("There is no certificate in PEM in it.")
            }
            try self.init(first)
        } catch let fault as CertificateFault {
            throw fault
        } catch { throw CertificateFault("It is no certificate in PEM.", cause: error) }
    }

    init(_ document: PEMDocument) throws {
        let certificate = try Certificate(pemDocument: document)
        var seen: Set<String> = []
        names = (try certificate.extensions.subjectAlternativeNames ?? SubjectAlternativeNames()).compactMap { name in
            guard case .dnsName(let name) = name, seen.insert(name.lowercased()).inserted else { return nil }
            return name.lowercased()
        }
        beginsAt = Timestamp(certificate.notValidBefore)
        expiresAt = Timestamp(certificate.notValidAfter)
        fingerprint = Self.digest(of: document.derBytes)
        keyFingerprint = Self.digest(of: try certificate.publicKey.serializeAsPEM().derBytes)
    }

    static func digest(of bytes: [UInt8]) -> String { bytes.withUnsafeBytes { KeyDigest.sha256(of: $0).hex } }
}
