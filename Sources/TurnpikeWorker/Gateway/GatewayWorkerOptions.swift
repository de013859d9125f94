// SPDX-License-Identifier: Apache-2.0

public import TurnpikeProxy
public import TurnpikeProxyCore

/// What a gateway worker is told at its start. Everything else comes from the control plane.
public struct GatewayWorkerOptions: Sendable {
    public enum AccessLog: Sendable, Hashable {
        case off
        case standardOutput
        /// Appended to; opened anew on SIGHUP, so that it can be rotated.
        case file(String)
    }

    public struct Secure: Sendable, Hashable {
        public var listen: ListenAddress
        /// The folder of certificates and their keys. It is looked at again every half minute, and on SIGHUP. `nil`: all
        /// certificates are the control plane's to tell of.
        public var certificates: String?

        public init(listen: ListenAddress, certificates: String?) {
            self.listen = listen
            self.certificates = certificates
        }
    }

    public struct Tracing: Sendable, Hashable {
        /// Where spans go.
        public var collector: CollectorAddress
        /// The share of the requests that bring no decision of their own which is traced, 0 to 1.
        public var share: Double
        /// Pause between two looks at what is to be exported. Default 1 s.
        public var interval: Duration

        public init(collector: CollectorAddress, share: Double, interval: Duration = .seconds(1)) {
            self.collector = collector
            self.share = share
            self.interval = interval
        }
    }

    public var controlPlane: ControlPlaneAddress
    /// Matters with an `https` address only.
    public var trust: ControlPlaneTrust
    /// Where clients come. Default `127.0.0.1:8000`.
    public var listen: ListenAddress
    /// Where clients come over TLS besides. Absent: nowhere.
    public var secure: Secure?
    /// The folder of the certificates for upstreams that ask for one, `TENANT/NAME.crt` and `TENANT/NAME.key`. It is looked at
    /// again every half minute, and on SIGHUP. Absent: there are none.
    public var clientCertificates: String?
    /// Where `/healthz`, `/readyz` and `/metrics` are. Default `127.0.0.1:8001`.
    public var adminListen: ListenAddress
    /// A directory that no other worker uses; made where it is missing.
    public var stateDirectory: String
    /// Needed at the first start only.
    public var joinToken: String?
    /// A name for people; the worker's id serves where none is given.
    public var name: String?
    /// Where the gateway runs, for services that prefer endpoints of its zone. Absent: they prefer none.
    public var zone: String?
    /// Whose word about where a request comes from is believed. Absent: nobody's.
    public var trustedProxies: TrustedProxies?
    public var accessLog: AccessLog
    public var accessLogFormat: AccessLogFormat
    /// What an operator shows in `Turnpike-Debug` to be told what becomes of a request. Default: nobody is told.
    public var debugToken: DebugToken?
    /// Default: no request is traced.
    public var tracing: Tracing?
    /// What moves the requests' bytes. Default: the fastest that this platform has.
    public var transport: Transport
    /// Event loops that share the gateway's connections: 1 to `GatewayOptions.mostLoops`. Default: one for each processor that
    /// the process may use.
    public var loops: Int
    /// What a client may take of the gateway's time and memory.
    public var limits: GatewayLimits
    /// Of each event loop, to each endpoint.
    public var pool: PoolLimits
    /// Client connections open at once, on all loops together. Default 65,536.
    public var connections: Int
    /// How long requests in flight may take to finish at shutdown. Default 30 s.
    public var drainTimeout: Duration
    /// How long the last report of usage may take at shutdown. Where that is not enough, it is sent at the next start.
    /// Default 5 s.
    public var reportTimeout: Duration
    /// How long the last export of traces may take at shutdown. What is left then is dropped. Default 3 s.
    public var traceTimeout: Duration

    public init(
        controlPlane: ControlPlaneAddress, trust: ControlPlaneTrust = ControlPlaneTrust(),
        listen: ListenAddress = ListenAddress(host: "127.0.0.1", port: 8000), secure: Secure? = nil,
        clientCertificates: String? = nil,
        adminListen: ListenAddress = ListenAddress(host: "127.0.0.1", port: 8001), stateDirectory: String,
        joinToken: String? = nil, name: String? = nil, zone: String? = nil,
        trustedProxies: TrustedProxies? = nil, accessLog: AccessLog = .off,
        accessLogFormat: AccessLogFormat = AccessLogFormat(),
        debugToken: DebugToken? = nil, tracing: Tracing? = nil, transport: Transport = .automatic,
        loops: Int = GatewayOptions.automaticLoops, limits: GatewayLimits = GatewayLimits(),
        pool: PoolLimits = PoolLimits(), connections: Int = 1 << 16, drainTimeout: Duration = .seconds(30),
        reportTimeout: Duration = .seconds(5), traceTimeout: Duration = .seconds(3)
    ) {
        self.controlPlane = controlPlane
        self.trust = trust
        self.listen = listen
        self.secure = secure
        self.clientCertificates = clientCertificates
        self.adminListen = adminListen
        self.stateDirectory = stateDirectory
        self.joinToken = joinToken
        self.name = name
        self.zone = zone
        self.trustedProxies = trustedProxies
        self.accessLog = accessLog
        self.accessLogFormat = accessLogFormat
        self.debugToken = debugToken
        self.tracing = tracing
        self.transport = transport
        self.loops = loops
        self.limits = limits
        self.pool = pool
        self.connections = connections
        self.drainTimeout = drainTimeout
        self.reportTimeout = reportTimeout
        self.traceTimeout = traceTimeout
    }
}

/// The ports that a worker listens on, which the system chose where 0 was asked for.
public struct GatewayPorts: Sendable, Hashable {
    public var gateway: Int
    /// For TLS; `nil` where the worker was not told to.
    public var secure: Int?
    public var admin: Int
}
