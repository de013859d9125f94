// SPDX-License-Identifier: Apache-2.0

import Crypto
import TurnpikeModel

/// The secret of a control plane under which it seals what gateways have to use and nobody has to read: private keys of
/// certificates. The log, the database and whatever is made of them hold sealed text only; the key itself is in a file of its
/// own, and with gateways.
///
/// ## Form
/// `sealed:v1:<id of the key>:<base64url of nonce, ciphertext and tag>`: AES-256-GCM under a key that HKDF-SHA256 (RFC 5869)
/// derives for each tenant, with the tenant and the use as associated data. So a text that is put under another name or tenant
/// opens to nobody, and who has one tenant's derived key can open no other's texts.
///
/// ## Why the nonce is made, not drawn
/// It is the HMAC-SHA256 of use and content under a second derived key, cut to 96 bits (a synthetic nonce, as of RFC 5297).
/// Equal input gives equal text, so that to write what is there already changes nothing: no revision, no news for gateways, an
/// empty diff. What that tells, namely that two texts hold the same, is told by the certificates' public keys anyhow. Two inputs
/// share a nonce by chance only, of which there is none to speak of below 2^40 texts of one tenant.
///
/// Immutable, and safe from any thread. Printing one shows its ``id``.
public struct SealingKey: Sendable {
    /// Bytes of a key.
    private static let length = 32
    private static let prefix = Certificate.PrivateKey.sealedPrefix
    private static let version = "v1"
    private static let nonceLength = 12

    private let key: SymmetricKey
    /// Tells keys apart, and nothing of them: 16 hexadecimal digits of a hash.
    public let id: String

    /// A new key, of the system's random numbers.
    public init() { self.init(SymmetricKey(size: .bits256)) }

    /// A key that was made before; `nil` for anything but 32 bytes.
    init?(bytes: [UInt8]) {
        guard bytes.count == Self.length else { return nil }
        self.init(SymmetricKey(data: bytes))
    }

    /// A key as ``text`` writes it; space around it makes no difference. `nil` for anything else.
    public init?(text: String) {
        guard let words = HexDigest(String(text.filter { !$0.isWhitespace }))?.words else { return nil }
        self.init(
            bytes: [words.0, words.1, words.2, words.3].flatMap { word in
                stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
            })
    }

    private init(_ key: SymmetricKey) {
        self.key = key
        let mark = HMAC<SHA256>.authenticationCode(for: Array("turnpike sealing key id 1".utf8), using: key)
        id = String(Self.hexadecimal(mark).prefix(16))
    }

    /// A secret.
    var bytes: [UInt8] { key.withUnsafeBytes { Array($0) } }

    /// A secret, for the file that keeps it: 64 lower-case hexadecimal digits.
    public var text: String { Self.hexadecimal(bytes) }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// What a sealed text is for. It opens for nothing else.
    public struct Use: Sendable, Hashable {
        /// By name: it never changes, and unlike the id it is known before the tenant is there.
        var tenant: String
        var purpose: String

        /// The private key of a tenant's certificate.
        public static func certificate(_ name: String, tenant: String) -> Use {
            Use(tenant: tenant, purpose: "certificate \(name)")
        }

        /// Neither a tenant's name nor a resource's holds a line break.
        fileprivate var bytes: [UInt8] { Array("\(tenant)\n\(purpose)".utf8) }
    }

    /// Seals a text. Equal texts for the same use come out equal.
    public func seal(_ text: String, for use: Use) throws(SealingFault) -> String {
        let keys = derivedKeys(for: use.tenant)
        let content = Array(text.utf8)
        let mark = HMAC<SHA256>.authenticationCode(for: use.bytes + [0] + content, using: keys.nonce)
        do {
            let box = try AES.GCM.seal(
                content, using: keys.content, nonce: AES.GCM.Nonce(data: Array(mark)[..<Self.nonceLength]),
                authenticating: use.bytes)
            let sealed = Base64URL.text(of: Array(box.nonce) + Array(box.ciphertext) + Array(box.tag))
            return "\(Self.prefix)\(Self.version):\(id):\(sealed)"
        } catch { throw .failed }
    }

    /// - Throws: why it does not open: not sealed text, by another key, or for another use or altered, which look the same.
    public func open(_ text: String, for use: Use) throws(SealingFault) -> String {
        guard let parts = Self.parts(of: text) else { throw .notSealed }
        guard parts.id == id else { throw .otherKey(id: parts.id) }
        do {
            let box = try AES.GCM.SealedBox(combined: parts.bytes)
            let opened = try AES.GCM.open(box, using: derivedKeys(for: use.tenant).content, authenticating: use.bytes)
            return String(decoding: opened, as: UTF8.self)
        } catch { throw .otherUse }
    }

    /// By which key a text was sealed; `nil` where it is not sealed text.
    public static func id(in text: String) -> String? { parts(of: text)?.id }

    private static func parts(of text: String) -> (id: String, bytes: [UInt8])? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, "\(parts[0]):" == prefix, parts[1] == version,
            let bytes = Base64URL.bytes(of: String(parts[3]))
        else { return nil }
        return (String(parts[2]), bytes)
    }

    private func derivedKeys(for tenant: String) -> (content: SymmetricKey, nonce: SymmetricKey) {
        func derived(_ what: String) -> SymmetricKey {
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: key, info: Array("turnpike sealing 1\n\(what)\n\(tenant)".utf8),
                outputByteCount: Self.length)
        }
        return (derived("content"), derived("nonce"))
    }
}

extension SealingKey: CustomStringConvertible, CustomReflectable {
    public var description: String { "sealing key \(id)" }
    public var customMirror: Swift.Mirror { Swift.Mirror(self, children: []) }
}

/// Why something cannot be sealed or opened. Says nothing of what it holds.
public enum SealingFault: Error, Sendable, Hashable, CustomStringConvertible {
    case notSealed
    case otherKey(id: String)
    case otherUse
    case failed

    public var description: String {
        switch self {
        case .notSealed: "It is no sealed text."
        case .otherKey(let id): "It was sealed by another key, '\(id.prefix(16))'."
        case .otherUse: "It was sealed for another resource, or has been altered."
        case .failed: "It cannot be sealed."
        }
    }
}
