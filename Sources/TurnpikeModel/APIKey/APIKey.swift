// SPDX-License-Identifier: Apache-2.0

/// A partner's credential at the gateway.
public struct APIKey: CredentialSpec {
    public static let kind = Kind.apiKey
    public static let plural = "api-keys"
    public static let idPrefix = "key"
    public static let credential: CredentialDeclaration? = CredentialDeclaration(field: "key", prefix: "tp_live")

    public var displayName: String
    /// A disabled key is refused like an unknown one. Default true.
    public var isEnabled: Bool
    /// From then on the key is refused.
    public var expiresAt: Timestamp?
    /// The routes that the key may use; empty for all routes of its tenant.
    public var routes: [String]
    /// Kept in the small: there are more keys than anything else.
    public var digest: String {
        get { compactDigest?.text ?? "" }
        set { compactDigest = HexDigest(newValue) }
    }
    private var compactDigest: HexDigest?
    /// The digest's 256 bits, first ones first; `nil` where there is none.
    public var digestWords: (UInt64, UInt64, UInt64, UInt64)? { compactDigest?.words }
    public var hint: String

    public init(reading fields: inout FieldReader) {
        displayName = fields.string("displayName", length: 0...200, default: "")
        isEnabled = fields.bool("enabled", default: true)
        expiresAt = fields.timestamp("expiresAt")
        routes = fields.strings("routes", count: 0...256) { Name.isValid($0) ? nil : "'\($0)' is not a route's name." }
        let credential = fields.credential()
        compactDigest = HexDigest(credential.digest)
        hint = credential.hint
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("displayName", displayName)
        fields.write("enabled", isEnabled)
        fields.write("expiresAt", expiresAt)
        if !routes.isEmpty { fields.write("routes", routes) }
        fields.writeCredential(digest: digest, hint: hint)
    }

    public var references: [Reference] {
        routes.enumerated().map { Reference(.route, $1, at: JSONPointer().appending("routes").appending($0)) }
    }
}
