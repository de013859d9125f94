// SPDX-License-Identifier: Apache-2.0

/// A short-lived token by which new workers of one role register. It may be used until it expires, so that a group of
/// workers can start with the same one; delete it to stop that.
public struct JoinToken: CredentialSpec {
    public static let kind = Kind.joinToken
    public static let plural = "join-tokens"
    public static let idPrefix = "jtk"
    public static let scope = Kind.Scope.global
    public static let isNameOptional = true
    public static let credential: CredentialDeclaration? = CredentialDeclaration(field: "token", prefix: "tp_join")

    public var role: Worker.Role
    /// How long from its creation the token is good, 1 minute to 30 days. Default 24 h.
    public var lifetime: Duration
    /// Set when the token is issued.
    public var expiresAt: Timestamp?
    public var digest: String
    public var hint: String

    public init(reading fields: inout FieldReader) {
        role = fields.choice("kind")
        lifetime = fields.duration("lifetime", in: .seconds(60) ... .seconds(30 * 86_400), default: .seconds(86_400))
        if fields.source == .storage {
            expiresAt = fields.timestamp("expiresAt")
        } else {
            fields.ignore("expiresAt")
        }
        (digest, hint) = fields.credential()
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("kind", role)
        fields.write("lifetime", lifetime)
        fields.write("expiresAt", expiresAt)
        fields.writeCredential(digest: digest, hint: hint)
    }
}
