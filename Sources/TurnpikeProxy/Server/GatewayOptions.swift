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
    /// Client connections open at once; those beyond are closed as they come. Default 65,536.
    public var connections: Int
    public var accessLog: AccessLogDestination
    public var transport: Transport
    /// A second listener, for TLS. Absent: none.
    public var secure: SecureListener?

    public init(
        host: String = "127.0.0.1", port: Int = 8000, limits: GatewayLimits = GatewayLimits(),
        pool: PoolLimits = PoolLimits(), connections: Int = 1 << 16, accessLog: AccessLogDestination = .off,
        transport: Transport = .automatic, secure: SecureListener? = nil
    ) {
        self.host = host
        self.port = port
        self.limits = limits
        self.pool = pool
        self.connections = connections
        self.accessLog = accessLog
        self.transport = transport
        self.secure = secure
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
