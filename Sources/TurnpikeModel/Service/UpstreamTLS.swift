// SPDX-License-Identifier: Apache-2.0

/// TLS towards a service's endpoints.
public struct UpstreamTLS: Sendable, Hashable {
    /// Of all authorities together, PEM.
    public static let authoritiesLimit = 64 << 10

    /// The name that endpoints are asked for (SNI) and have to prove. Absent: each endpoint's own host.
    public var serverName: String?
    /// PEM of the authorities that may vouch for them. Absent: those of the gateway's system.
    public var authorities: String?
    /// The name of a certificate that the gateway has in its files for this tenant, to show to endpoints. Absent: none.
    public var clientCertificate: String?
    /// Whether endpoints have to prove their name at all. Default true; false is for trying things out.
    public var verifies: Bool

    public init(
        serverName: String? = nil, authorities: String? = nil, clientCertificate: String? = nil, verifies: Bool = true
    ) {
        self.serverName = serverName
        self.authorities = authorities
        self.clientCertificate = clientCertificate
        self.verifies = verifies
    }

    public init(reading fields: inout FieldReader) {
        serverName = fields.optionalString("serverName", length: 1...253)
        if let serverName, !Host.isValidName(serverName) {
            fields.report("serverName", .format, "'serverName' must be a DNS name.")
        }
        authorities = fields.optionalPEM("authorities", limit: Self.authoritiesLimit)
        if let authorities, !authorities.contains("-----BEGIN CERTIFICATE-----") {
            fields.report("authorities", .format, "'authorities' must hold at least one certificate in PEM.")
        }
        clientCertificate = fields.optionalName("clientCertificate")
        verifies = fields.bool("verify", default: true)
    }

    public func write(to fields: inout FieldWriter) {
        if let serverName { fields.write("serverName", serverName) }
        if let authorities { fields.write("authorities", authorities) }
        fields.write("clientCertificate", clientCertificate)
        fields.write("verify", verifies)
    }
}
