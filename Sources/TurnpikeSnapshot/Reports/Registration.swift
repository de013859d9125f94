// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// What a worker says of itself when it joins (`POST /v1/workers`, with the join token as bearer).
public struct Registration: Sendable, Hashable {
    /// A name for people; the id serves where none is given.
    public var name: String?
    public var role: Worker.Role
    public var version: String
    /// Asks for a certificate (PKCS #10 in PEM), where the control plane has a CA.
    public var certificateRequest: String?

    public init(name: String?, role: Worker.Role, version: String, certificateRequest: String? = nil) {
        self.name = name
        self.role = role
        self.version = version
        self.certificateRequest = certificateRequest
    }

    public var json: JSON {
        .object(
            JSONObject([
                "name": name.map { .string($0) }, "kind": .string(role.rawValue), "version": .string(version),
                "certificateRequest": certificateRequest.map { .string($0) },
            ]))
    }

    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .request)
        name = fields.has("name") ? fields.name("name") : nil
        fields.ignore("name")
        role = fields.choice("kind")
        version = fields.string("version", length: 0...64, default: "")
        certificateRequest = fields.optionalPEM("certificateRequest", limit: CredentialRequest.requestLength)
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}

/// What a worker asks for with its next credential (`POST /v1/workers/{id}/credential`).
public struct CredentialRequest: Sendable, Hashable {
    /// Characters of a certificate request at most; usual ones have some 500.
    static let requestLength = 8192

    /// As in ``Registration``.
    public var certificateRequest: String?

    public init(certificateRequest: String? = nil) { self.certificateRequest = certificateRequest }

    public var json: JSON {
        .object(JSONObject(["certificateRequest": certificateRequest.map { .string($0) }]))
    }

    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .request)
        certificateRequest = fields.optionalPEM("certificateRequest", limit: Self.requestLength)
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}

/// A worker's identity, as the control plane issues it: on joining and on each rotation.
public struct WorkerIdentity: Sendable, Hashable {
    /// The worker's id as text, `wrk_…`.
    public var id: String
    public var name: String
    /// Shown this once. Send as bearer.
    public var credential: String
    /// The worker asks for the next credential at half of the lifetime.
    public var issuedAt: Timestamp
    public var expiresAt: Timestamp
    /// The certificate that was asked for, in PEM, as long good as the credential; `nil` where none was asked for or the
    /// control plane has no CA.
    public var certificate: String?

    public init(
        id: String, name: String, credential: String, issuedAt: Timestamp, expiresAt: Timestamp,
        certificate: String? = nil
    ) {
        self.id = id
        self.name = name
        self.credential = credential
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.certificate = certificate
    }

    public var json: JSON {
        .object(
            JSONObject([
                "id": .string(id), "name": .string(name), "credential": .string(credential),
                "issuedAt": .string(issuedAt.description), "expiresAt": .string(expiresAt.description),
                "certificate": certificate.map { .string($0) },
            ]))
    }

    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .storage)
        id = fields.string("id")
        name = fields.string("name")
        credential = fields.string("credential")
        let issuedAt = fields.timestamp("issuedAt")
        let expiresAt = fields.timestamp("expiresAt")
        certificate = fields.optionalPEM("certificate", limit: 16_384)
        fields.finish()
        guard fields.faults.isEmpty, let issuedAt, let expiresAt else { throw .invalid(fields.faults) }
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
    }
}
