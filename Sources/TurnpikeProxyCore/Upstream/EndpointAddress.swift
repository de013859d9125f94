// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Where a service listens: a host and a port, where the host's name has led, and what is spoken there.
public struct EndpointAddress: Sendable, Hashable {
    /// As it was configured: a name or an address.
    public var host: String
    public var port: Int
    /// One of the addresses that the name leads to; nil where the host is an address itself, or was not looked up yet.
    public var ip: String?
    /// An address of the other family (IPv4, IPv6), for where `ip` cannot be reached. Does not tell endpoints from each other.
    public var alternative: String?
    /// How it is spoken to.
    public var wire: UpstreamWire
    /// Nanoseconds that a connection to it which several requests share (HTTP/2) is kept without any. Does not tell endpoints
    /// from each other: where services differ in it, what the one said that was configured last holds.
    public var idleTime: UInt64

    public init(
        host: String, port: Int, ip: String? = nil, alternative: String? = nil, wire: UpstreamWire = .plain,
        idleTime: UInt64 = 60_000_000_000
    ) {
        self.host = host
        self.port = port
        self.ip = ip
        self.alternative = alternative
        self.wire = wire
        self.idleTime = idleTime
    }

    public static func == (one: EndpointAddress, other: EndpointAddress) -> Bool {
        one.host == other.host && one.port == other.port && one.ip == other.ip && one.wire == other.wire
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(host)
        hasher.combine(port)
        hasher.combine(ip)
    }

    /// What to connect to, one after the other; nil where the host has to be looked up first.
    public var numeric: [String]? {
        if let ip { return [ip] + (alternative.map { [$0] } ?? []) }
        return Host.isNumeric(host) ? [host] : nil
    }

    /// Before its name was looked up.
    var unresolved: EndpointAddress {
        EndpointAddress(host: host, port: port, wire: wire, idleTime: idleTime)
    }

    /// For log lines: `10.0.0.1:80`, `[2001:db8::1]:80`, `orders.internal(10.0.0.1):80`.
    public var text: String {
        if let ip { return "\(host)(\(ip)):\(port)" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// As a `Host` field has it (RFC 9110 §7.2).
    var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (wire.tls == nil ? 80 : 443) ? name : "\(name):\(port)"
    }
}

/// What is spoken on a connection to an upstream. Services that differ in it share no connection.
public struct UpstreamWire: Sendable, Hashable {
    /// HTTP/2, in the clear with prior knowledge (RFC 9113 §3.3), over TLS by ALPN. Else HTTP/1.1.
    public var speaksHTTP2: Bool
    /// Absent: in the clear.
    public let tls: UpstreamTLS?
    /// What is shown to the endpoint, by its name and whose it is: tenants that share an endpoint and a name share no connection.
    public let clientCertificate: ClientCertificateName?

    /// - Parameter tenant: whose certificates `tls` speaks of.
    public init(speaksHTTP2: Bool = false, tls: UpstreamTLS? = nil, tenant: String = "") {
        self.speaksHTTP2 = speaksHTTP2
        self.tls = tls
        clientCertificate = tls?.clientCertificate.map { ClientCertificateName(tenant: tenant, name: $0) }
    }

    /// HTTP/1.1 in the clear.
    public static let plain = UpstreamWire()
}

/// Which certificate is shown to an upstream: one of the tenant's own.
public struct ClientCertificateName: Sendable, Hashable {
    public let tenant: String
    public let name: String

    public init(tenant: String, name: String) {
        self.tenant = tenant
        self.name = name
    }
}
