// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// A certificate as a gateway shows it to clients over TLS.
public struct CompiledCertificate: CompiledContent {
    public var tenant: String
    public var name: String
    public var id: ResourceID
    /// The hosts that it speaks for; `*.` stands for one label.
    public var names: [String]
    /// From when on it is good: of a tenant's certificates for one host, the latest is shown.
    public var notBefore: Timestamp
    /// When it ends, after which it is shown all the same: why it is refused, clients say best.
    public var notAfter: Timestamp
    /// PEM, the holder's own certificate first.
    public var chain: String
    /// The private key, which gateways can open with the control plane's sealing key.
    public var sealedKey: String

    public init(
        tenant: String, name: String, id: ResourceID, names: [String], notBefore: Timestamp, notAfter: Timestamp,
        chain: String, sealedKey: String
    ) {
        self.tenant = tenant
        self.name = name
        self.id = id
        self.names = names
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.chain = chain
        self.sealedKey = sealedKey
    }

    public init(reading fields: inout FieldReader) {
        self.init(
            tenant: fields.string("tenant"), name: fields.string("name"), id: fields.id("id", .certificate),
            names: fields.strings("names", count: 1...1024), notBefore: fields.time("notBefore"),
            notAfter: fields.time("notAfter"), chain: fields.pem("chain", limit: Certificate.chainLimit),
            sealedKey: fields.string("sealedKey", length: 1...2 * Certificate.keyLimit))
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("id", id.text(prefix: Kind.certificate.idPrefix))
        fields.write("names", names)
        fields.write("notBefore", notBefore)
        fields.write("notAfter", notAfter)
        fields.write("chain", chain)
        fields.write("sealedKey", sealedKey)
    }
}

extension FieldReader {
    fileprivate mutating func time(_ name: String) -> Timestamp {
        guard has(name) else {
            report(name, .required, "'\(name)' is required.")
            return Timestamp(milliseconds: 0)
        }
        return timestamp(name) ?? Timestamp(milliseconds: 0)
    }
}
