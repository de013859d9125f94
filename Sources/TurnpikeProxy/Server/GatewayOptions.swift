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

    public init(
        host: String = "127.0.0.1", port: Int = 8000, limits: GatewayLimits = GatewayLimits(),
        pool: PoolLimits = PoolLimits(), connections: Int = 1 << 16, accessLog: AccessLogDestination = .off,
        transport: Transport = .automatic
    ) {
        self.host = host
        self.port = port
        self.limits = limits
        self.pool = pool
        self.connections = connections
        self.accessLog = accessLog
        self.transport = transport
    }
}

/// Where the access log goes.
public enum AccessLogDestination: Sendable, Hashable {
    case off
    case standardOutput
    /// An open file descriptor, which stays the caller's to close, after the gateway has stopped.
    case descriptor(Int32)
}
