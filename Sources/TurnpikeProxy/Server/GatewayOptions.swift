// SPDX-License-Identifier: Apache-2.0

public import TurnpikeProxyCore

/// What a gateway is told at start and keeps for good; everything else is configuration.
public struct GatewayOptions: Sendable {
    /// Name or address to listen on. Default `127.0.0.1`.
    public var host: String
    /// 0 lets the system choose one. Default 8000.
    public var port: Int
    public var limits: GatewayLimits
    public var pool: PoolLimits
    /// Client connections open at once, on all loops together; those beyond are closed as they come. Default 65,536.
    public var connections: Int
    public var accessLog: AccessLogDestination
    public var accessLogFormat: AccessLogFormat
    public var transport: Transport
    /// Event loops, each with a thread, upstream connections and leases of its own: 1 to ``mostLoops``. Default 1.
    public var loops: Int
    /// A second listener, for TLS. Absent: none.
    public var secure: SecureListener?
    /// For upstreams that ask for one. May be replaced while the gateway serves. Default: none.
    public var clientCertificates: ClientCertificates
    /// Absent: no request is traced.
    public var tracing: GatewayTracing?
    /// Where the gateway runs, for services that prefer endpoints of its zone. Absent: they prefer none.
    public var zone: String?
    /// Whose word about where a request comes from is believed. Absent: nobody's.
    public var trustedProxies: TrustedProxies?

    public static let mostLoops = 128

    /// One for each processor that the process may use.
    public static var automaticLoops: Int { min(max(1, Processors.available), mostLoops) }

    public init(
        host: String = "127.0.0.1", port: Int = 8000, limits: GatewayLimits = GatewayLimits(),
        pool: PoolLimits = PoolLimits(), connections: Int = 1 << 16, accessLog: AccessLogDestination = .off,
        accessLogFormat: AccessLogFormat = AccessLogFormat(),
        transport: Transport = .automatic, loops: Int = 1, secure: SecureListener? = nil,
        clientCertificates: ClientCertificates = ClientCertificates(), tracing: GatewayTracing? = nil,
        zone: String? = nil, trustedProxies: TrustedProxies? = nil
    ) {
        self.host = host
        self.port = port
        self.limits = limits
        self.pool = pool
        self.connections = connections
        self.accessLog = accessLog
        self.accessLogFormat = accessLogFormat
        self.transport = transport
        self.loops = min(max(1, loops), Self.mostLoops)
        self.secure = secure
        self.clientCertificates = clientCertificates
        self.tracing = tracing
        self.zone = zone
        self.trustedProxies = trustedProxies
    }
}

/// Where a gateway listens for TLS 1.2 and newer, with HTTP/2 or HTTP/1.1 within, as the client wishes (ALPN).
public struct SecureListener: Sendable {
    /// Name or address to listen on.
    public var host: String
    /// 0 lets the system choose one.
    public var port: Int
    /// May be replaced while the gateway serves.
    public var certificates: ServerCertificates

    public init(host: String, port: Int, certificates: ServerCertificates) {
        self.host = host
        self.port = port
        self.certificates = certificates
    }
}

/// Where the access log goes.
public enum AccessLogDestination: Sendable, Hashable {
    case off
    case standardOutput
    /// An open file descriptor, which stays the caller's to close, after the gateway has stopped.
    case descriptor(Int32)
}
