// SPDX-License-Identifier: Apache-2.0

/// A certificate with its key, which gateways show to clients that come over TLS and ask for one of its names.
///
/// Of what a client writes, this module sees shape and size; what is in it, whoever takes it in says (`CertificateIntake`), and
/// notes it here.
public struct Certificate: ResourceSpec {
    public static let kind = Kind.certificate
    public static let plural = "certificates"
    public static let idPrefix = "crt"
    public static let fieldsNotShown: Set = ["privateKey"]
    public static let listsOfServer: Set = ["names"]

    /// Characters of a chain.
    public static let chainLimit = 64 << 10
    /// Characters of a key in PEM: one of 8192 bits RSA has some 6,500. Sealed, it has a third more.
    public static let keyLimit = 16 << 10

    /// PEM, the holder's own certificate first.
    public var chain: String
    /// Absent in a body: the one that is there stays.
    public var privateKey: PrivateKey?
    /// What the first certificate of the chain says of itself.
    public var facts: Facts

    /// The private key of a certificate. Only as sealed text does it stand in any document.
    public enum PrivateKey: Sendable, Hashable {
        /// PEM, as a client sends it.
        case plain(String)
        /// Text that the control plane, and gateways, can open.
        case sealed(String)

        /// How sealed text begins, which no PEM does.
        public static let sealedPrefix = "sealed:"
    }

    public struct Facts: Sendable, Hashable {
        /// The hosts that it speaks for; `*.` stands for one label.
        public var names: [String] = []
        public var notBefore: Timestamp?
        public var notAfter: Timestamp?
        /// SHA-256 of the certificate, in lower-case hexadecimal.
        public var fingerprint = ""
        /// SHA-256 of its public key, likewise.
        public var keyFingerprint = ""

        public init() {}
    }

    public init(reading fields: inout FieldReader) {
        chain = fields.pem("chain", limit: Self.chainLimit)
        privateKey = fields.optionalPEM("privateKey", limit: 2 * Self.keyLimit).map { text in
            text.hasPrefix(PrivateKey.sealedPrefix) ? .sealed(text) : .plain(text)
        }
        facts = Facts(reading: &fields)
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("chain", chain)
        if case .sealed(let text) = privateKey { fields.writeSealed("privateKey", text) }
        facts.write(to: &fields)
    }
}

extension Certificate.Facts {
    fileprivate init(reading fields: inout FieldReader) {
        guard case .storage = fields.source else {
            fields.ignore("names", "notBefore", "notAfter", "fingerprint", "keyFingerprint")
            return
        }
        names = fields.strings("names", count: 0...Int.max)
        notBefore = fields.timestamp("notBefore")
        notAfter = fields.timestamp("notAfter")
        fingerprint = fields.string("fingerprint")
        keyFingerprint = fields.string("keyFingerprint")
    }

    fileprivate func write(to fields: inout FieldWriter) {
        guard fields.audience != .bundle else { return }
        fields.write("names", names)
        fields.write("notBefore", notBefore)
        fields.write("notAfter", notAfter)
        fields.write("fingerprint", fingerprint)
        fields.write("keyFingerprint", keyFingerprint)
    }
}
