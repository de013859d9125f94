// SPDX-License-Identifier: Apache-2.0

import Crypto
import SwiftASN1
import TurnpikeModel
import X509

import struct X509.Certificate

/// A chain of certificates and its key, as somebody sends them to have gateways show them: looked at, and written anew.
///
/// Written anew because what is kept of a chain is shown to everybody: of whatever else stood in the text, a private key in the
/// wrong field above all, nothing is left.
public enum ServerKeyPair {
    /// Certificates of a chain at most. Usual ones have two or three.
    public static let mostCertificates = 10

    public struct Chain: Sendable {
        /// PEM of the certificates and nothing else.
        public let text: String
        /// Of the first.
        public let facts: CertificateFacts
    }

    public struct Key: Sendable {
        /// A secret: PEM in one form, whichever the key came in.
        public let text: String
        /// As ``CertificateFacts/keyFingerprint`` of its certificates.
        public let fingerprint: String
    }

    /// - Parameter text: PEM, the holder's own certificate first.
    /// - Throws: what is wrong with it, in a sentence that quotes nothing of it.
    public static func chain(_ text: String) throws(CertificateFault) -> Chain {
        guard let documents = try? PEMDocument.parseMultiple(pemString: text), let first = documents.first else {
            throw CertificateFault("It must be certificates in PEM, the holder's own first.")
        }
        guard documents.count <= mostCertificates else {
            throw CertificateFault("There must be at most \(mostCertificates) certificates in it.")
        }
        for (index, document) in documents.enumerated() {
            guard document.discriminator == "CERTIFICATE", (try? Certificate(pemDocument: document)) != nil else {
                throw CertificateFault("Number \(index + 1) in it must be a certificate.")
            }
        }
        guard let facts = try? CertificateFacts(first) else {
            throw CertificateFault("The names of its first certificate cannot be read.")
        }
        let written = documents.map { $0.pemString + "\n" }.joined()
        guard written.utf8.count <= TurnpikeModel.Certificate.chainLimit else {
            throw CertificateFault("It must have at most \(TurnpikeModel.Certificate.chainLimit) characters.")
        }
        return Chain(text: written, facts: facts)
    }

    /// - Parameter text: PEM: PKCS #8 (RFC 5958), or the older forms of RSA and ECDSA keys; not encrypted.
    /// - Throws: what is wrong with it, in a sentence that quotes nothing of it.
    public static func key(_ text: String) throws(CertificateFault) -> Key {
        guard let documents = try? PEMDocument.parseMultiple(pemString: text),
            let key = documents.lazy.compactMap({ try? Certificate.PrivateKey(pemDocument: $0) }).first,
            let written = try? key.serializeAsPEM(), let publicKey = try? key.publicKey.serializeAsPEM()
        else {
            throw CertificateFault(
                "It must be a private key in PEM without a passphrase: ECDSA, or RSA of 2048 bits at least.")
        }
        guard Curve25519.Signing.PublicKey(key.publicKey) == nil else {
            throw CertificateFault("It must be a key for ECDSA or RSA: few clients know others.")
        }
        guard written.pemString.utf8.count < TurnpikeModel.Certificate.keyLimit else {
            throw CertificateFault("It must have less than \(TurnpikeModel.Certificate.keyLimit) characters.")
        }
        return Key(text: written.pemString + "\n", fingerprint: CertificateFacts.digest(of: publicKey.derBytes))
    }
}
