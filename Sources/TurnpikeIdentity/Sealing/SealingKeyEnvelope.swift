// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials

/// How a sealing key gets to a gateway so that nobody on the way can read it: HPKE (RFC 9180), base mode, with
/// DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM.
///
/// A gateway makes a key pair for each time that it asks, and forgets it with the answer: what was recorded on the wire opens
/// to nobody later. That it is the gateway that asks, its credential says.
public struct SealingKeyEnvelope: Sendable {
    private static let suite = HPKE.Ciphersuite(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256)
    private static let encapsulatedLength = 32

    private let key = Curve25519.KeyAgreement.PrivateKey()

    public init() {}

    /// What the gateway tells the control plane: base64url of 32 bytes.
    public var publicKey: String { Base64URL.text(of: key.publicKey.rawRepresentation) }

    /// - Parameters:
    ///   - sealed: what ``seal(_:to:worker:)`` made of the key.
    ///   - worker: this worker's id, `wrk_…`.
    /// - Throws: where it was made for another key or worker, or was altered.
    public func open(_ sealed: String, worker: String) throws(SealingFault) -> SealingKey {
        guard let bytes = Base64URL.bytes(of: sealed), bytes.count > Self.encapsulatedLength else { throw .notSealed }
        do {
            var recipient = try HPKE.Recipient(
                privateKey: key, ciphersuite: Self.suite, info: Self.info(worker),
                encapsulatedKey: Data(bytes.prefix(Self.encapsulatedLength)))
            let opened = try recipient.open(Data(bytes.dropFirst(Self.encapsulatedLength)))
            guard let sealingKey = SealingKey(bytes: Array(opened)) else { throw SealingFault.notSealed }
            return sealingKey
        } catch let fault as SealingFault { throw fault } catch { throw .otherUse }
    }

    /// Puts a key into an envelope that one worker can open.
    ///
    /// - Returns: base64url of encapsulated key and ciphertext.
    /// - Throws: `notSealed` where the public key is none.
    public static func seal(_ key: SealingKey, to publicKey: String, worker: String) throws(SealingFault) -> String {
        guard let bytes = Base64URL.bytes(of: publicKey),
            let recipient = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes)
        else { throw .notSealed }
        do {
            var sender = try HPKE.Sender(recipientKey: recipient, ciphersuite: suite, info: info(worker))
            let ciphertext = try sender.seal(Data(key.bytes))
            return Base64URL.text(of: sender.encapsulatedKey + ciphertext)
        } catch { throw .failed }
    }

    private static func info(_ worker: String) -> Data { Data("turnpike sealing key 1\n\(worker)".utf8) }
}
