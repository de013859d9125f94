// SPDX-License-Identifier: Apache-2.0

/// A registered data-plane process. Workers come into being by joining, not by a client's body.
public struct Worker: ResourceSpec {
    public static let kind = Kind.worker
    public static let plural = "workers"
    public static let idPrefix = "wrk"
    public static let scope = Kind.Scope.global
    public static let isCreatedByClients = false
    public static let isNameOptional = true

    public enum Role: String, Sendable, CaseIterable { case gateway }

    /// A credential that the worker may use; two overlap while it rotates.
    public struct Credential: Sendable, Hashable {
        /// SHA-256 in lower-case hexadecimal.
        public var digest: String
        public var expiresAt: Timestamp

        public init(digest: String, expiresAt: Timestamp) {
            self.digest = digest
            self.expiresAt = expiresAt
        }
    }

    public var role: Role
    /// The program's version, as the worker gave it.
    public var version: String
    /// At most two.
    public var credentials: [Credential]

    public init(role: Role, version: String, credentials: [Credential]) {
        self.role = role
        self.version = version
        self.credentials = credentials
    }

    public init(reading fields: inout FieldReader) {
        role = fields.choice("kind")
        version = fields.string("version", length: 0...64, default: "")
        credentials =
            fields.source == .request
            ? []
            : fields.list("credentials", count: 0...2) { credential in
                Credential(
                    digest: credential.string("digest"),
                    expiresAt: credential.timestamp("expiresAt") ?? Timestamp(milliseconds: 0)
                )
            }
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("kind", role)
        fields.write("version", version)
        fields.writeSecret(
            "credentials",
            .array(
                credentials.map {
                    ["digest": .string($0.digest), "expiresAt": .string($0.expiresAt.description)]
                }))
    }
}
