// SPDX-License-Identifier: Apache-2.0

/// Somebody who runs the platform, or one tenant of it, by way of a token for the REST API.
public struct Operator: CredentialSpec {
    public static let kind = Kind.operator
    public static let plural = "operators"
    public static let idPrefix = "opr"
    public static let scope = Kind.Scope.global
    public static let credential: CredentialDeclaration? = CredentialDeclaration(field: "token", prefix: "tp_op")
    /// Known to the control plane beside the document.
    public static let fieldsNotShown: Set = ["lastUsedAt"]

    /// What the token may do.
    public enum Role: String, Sendable, CaseIterable {
        /// Everything, operators too.
        case owner
        /// Reads everything, writes everything but operators.
        case `operator`
        /// Reads everything, writes nothing.
        case viewer
    }

    public var displayName: String
    /// Default `operator`.
    public var role: Role
    /// The tenant to which the role is confined: of others the token does not see that they exist. `nil`: none.
    public var tenant: String?
    /// From then on the token is refused.
    public var expiresAt: Timestamp?
    public var digest: String
    public var hint: String

    public init(reading fields: inout FieldReader) {
        displayName = fields.string("displayName", length: 0...200, default: "")
        role = fields.choice("role", default: .operator)
        if fields.has("tenant") { tenant = fields.name("tenant") } else { fields.ignore("tenant") }
        expiresAt = fields.timestamp("expiresAt")
        (digest, hint) = fields.credential()
        // Shown with the document, and may come back with it.
        fields.ignore("lastUsedAt")
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("displayName", displayName)
        fields.write("role", role)
        fields.write("tenant", tenant)
        fields.write("expiresAt", expiresAt)
        fields.writeCredential(digest: digest, hint: hint)
    }

    public var references: [Reference] {
        tenant.map { [Reference(.tenant, $0, at: JSONPointer().appending("tenant"))] } ?? []
    }
}
