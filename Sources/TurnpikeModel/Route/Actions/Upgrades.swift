// SPDX-License-Identifier: Apache-2.0

/// The protocols to which a route lets clients and services switch on a connection (RFC 9110 §7.8):
/// `{"protocols":["websocket"],"idleTimeout":"5m"}`.
public struct Upgrades: Sendable, Hashable {
    public static let defaultIdleTimeout = Duration.seconds(300)

    /// 1 to 8 names as `Upgrade` has them, in lower case: `websocket`, `name/1.0`.
    public var protocols: [String]
    /// How long neither side may send anything once they have switched. 1 s to 24 h, default 5 min.
    public var idleTimeout: Duration

    public init(protocols: [String], idleTimeout: Duration = Self.defaultIdleTimeout) {
        self.protocols = protocols
        self.idleTimeout = idleTimeout
    }

    public init(reading fields: inout FieldReader) {
        protocols = fields.strings("protocols", count: 1...8, check: Self.fault).map { $0.lowercased() }
        if Set(protocols).count != protocols.count {
            fields.report("protocols", .unique, "Each protocol may stand here once, in whichever case.")
        }
        idleTimeout = fields.duration(
            "idleTimeout", in: .seconds(1) ... .seconds(86_400), default: Self.defaultIdleTimeout)
    }

    public var json: JSON {
        ["protocols": .array(protocols.map { .string($0) }), "idleTimeout": .string(idleTimeout.text)]
    }

    private static func fault(in name: String) -> String? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, parts.allSatisfy(FieldName.isValid), name.utf8.count <= 64 else {
            return "'\(name)' must be a protocol such as \"websocket\" or \"name/1.0\", of at most 64 bytes."
        }
        // What would follow are requests again, or bytes that hide them: past keys, limits and counting.
        guard !["h2c", "h2", "http", "tls"].contains(parts[0].lowercased()) else {
            return "'\(name)' cannot be allowed: requests within it would pass the gateway unseen."
        }
        return nil
    }
}
