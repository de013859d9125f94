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

/// The sealing key, as only the gateway that asked can read it.
public struct SealingKeyAnswer: Sendable, Hashable {
    /// The key's id, as it stands in what it has sealed.
    public var id: String
    /// HPKE (RFC 9180): encapsulated key and ciphertext, in base64url.
    public var sealedKey: String

    public init(id: String, sealedKey: String) {
        self.id = id
        self.sealedKey = sealedKey
    }

    public var json: JSON { ["id": .string(id), "sealedKey": .string(sealedKey)] }

    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .storage)
        id = fields.string("id")
        sealedKey = fields.string("sealedKey")
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}
