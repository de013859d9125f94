// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// A gateway's request for the key under which private keys of certificates are sealed (`POST /v1/workers/{id}/sealing-key`).
public struct SealingKeyRequest: Sendable, Hashable {
    /// The X25519 public key to which the answer is sealed, 32 bytes in base64url; the gateway makes one for each request.
    public var publicKey: String

    public init(publicKey: String) { self.publicKey = publicKey }

    public var json: JSON { ["publicKey": .string(publicKey)] }

    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .request)
        publicKey = fields.string("publicKey", length: 1...64)
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}

/// The sealing keys, as only the gateway that asked can read them.
public struct SealingKeyAnswer: Sendable, Hashable {
    /// The one that seals.
    public var first: SealedSealingKey
    /// Those by which something may be sealed still.
    public var former: [SealedSealingKey]

    public init(_ first: SealedSealingKey, former: [SealedSealingKey] = []) {
        self.first = first
        self.former = former
    }

    public var json: JSON {
        .object(
            JSONObject([
                "id": .string(first.id), "sealedKey": .string(first.sealedKey),
                "former": former.isEmpty ? nil : .array(former.map(\.json)),
            ]))
    }

    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .storage)
        first = SealedSealingKey(reading: &fields)
        former = fields.list("former", count: 0...7) { SealedSealingKey(reading: &$0) }
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}

/// One sealing key, sealed to the public key of who asked.
public struct SealedSealingKey: Sendable, Hashable {
    /// The key's id, as it stands in what it has sealed.
    public var id: String
    /// HPKE (RFC 9180): encapsulated key and ciphertext, in base64url.
    public var sealedKey: String

    public init(id: String, sealedKey: String) {
        self.id = id
        self.sealedKey = sealedKey
    }

    var json: JSON { ["id": .string(id), "sealedKey": .string(sealedKey)] }

    init(reading fields: inout FieldReader) {
        id = fields.string("id")
        sealedKey = fields.string("sealedKey")
    }
}
