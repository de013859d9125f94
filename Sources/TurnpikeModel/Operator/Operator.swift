// SPDX-License-Identifier: Apache-2.0

/// Somebody who runs the platform, by way of a token for the REST API. A token may do everything.
public struct Operator: CredentialSpec {
    public static let kind = Kind.operator
    public static let plural = "operators"
    public static let idPrefix = "opr"
    public static let scope = Kind.Scope.global
    public static let credential: CredentialDeclaration? = CredentialDeclaration(field: "token", prefix: "tp_op")

    public var displayName: String
    /// From then on the token is refused.
    public var expiresAt: Timestamp?
    public var digest: String
    public var hint: String

    public init(reading fields: inout FieldReader) {
        displayName = fields.string("displayName", length: 0...200, default: "")
        expiresAt = fields.timestamp("expiresAt")
        (digest, hint) = fields.credential()
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("displayName", displayName)
        fields.write("expiresAt", expiresAt)
        fields.writeCredential(digest: digest, hint: hint)
    }
}
