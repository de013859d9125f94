// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Where a service listens, a name or an address and a port, and how it is spoken to there.
public struct EndpointAddress: Sendable, Hashable {
    public var host: String
    public var port: Int
    public var wire: UpstreamWire

    public init(host: String, port: Int, wire: UpstreamWire = .plain) {
        self.host = host
        self.port = port
        self.wire = wire
    }
}

/// What is spoken on a connection to an upstream. Services that differ in it share no connection.
public struct UpstreamWire: Sendable, Hashable {
    /// HTTP/2, in the clear with prior knowledge (RFC 9113 §3.3), over TLS by ALPN. Else HTTP/1.1.
    public var speaksHTTP2: Bool
    /// Absent: in the clear.
    public var tls: UpstreamTLS?

    public init(speaksHTTP2: Bool = false, tls: UpstreamTLS? = nil) {
        self.speaksHTTP2 = speaksHTTP2
        self.tls = tls
    }

    /// HTTP/1.1 in the clear.
    public static let plain = UpstreamWire()
}
