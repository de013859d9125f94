// SPDX-License-Identifier: Apache-2.0

/// An upstream: where requests go, and how patient the gateway is with it.
public struct Service: ResourceSpec {
    public static let kind = Kind.service
    public static let plural = "services"
    public static let idPrefix = "svc"
    public static let defaultIdleTimeout = Duration.seconds(60)

    public enum UpstreamProtocol: String, Sendable, CaseIterable {
        /// HTTP/1.1.
        case http
        /// HTTP/2: what gRPC needs. In the clear with prior knowledge, over TLS by ALPN.
        case http2
    }

    public struct Endpoint: Sendable, Hashable {
        /// An IP address or a DNS name. Each address that a name leads to counts as an endpoint.
        public var host: String
        public var port: Int
        /// Share of the requests relative to the other endpoints, 0 to 1000. 0 takes an endpoint out. Default 1.
        public var weight: Int
        /// Where it runs, by a name of the operator's; see ``LoadBalancing/LocalityAwareness``. Absent: not known.
        public var zone: String?
    }

    public var `protocol`: UpstreamProtocol
    /// Absent: in the clear.
    public var tls: UpstreamTLS?
    /// 1 to 256 endpoints.
    public var endpoints: [Endpoint]
    /// How long opening a connection may take. Default 2 s.
    public var connectTimeout: Duration
    /// How long the upstream may take to begin its answer, and then pause within it. Default 30 s.
    public var responseTimeout: Duration
    /// From a request's head to the end of its answer, all tries together. 1 ms to 1 day. Absent: no bound but the others.
    public var requestTimeout: Duration?
    /// How long a connection to an endpoint may wait for its next request, 1 ms to 1 h: less than the endpoint itself waits, or
    /// requests meet connections that it is just closing. Absent: ``defaultIdleTimeout``.
    public var idleTimeout: Duration?
    /// How long both sides of a request may be silent while either has more to say: the client that is to send content, and the
    /// endpoint once its answer has begun. Up to 24 h; zero: for ever. Absent: what `responseTimeout` and the gateway allow.
    public var streamIdleTimeout: Duration?
    /// Absent: in turns, by weight.
    public var loadBalancing: LoadBalancing?
    /// Absent: endpoints are not judged by their answers.
    public var outlierDetection: OutlierDetection?
    /// Absent: up to three other endpoints where one cannot be reached, and nothing else.
    public var retries: Retries?
    /// Absent: no bounds but the gateway's own.
    public var circuitBreakers: CircuitBreakers?
    /// Absent: endpoints are not asked how they are.
    public var healthCheck: HealthCheck?
    /// How often endpoints' names are looked up. 1 s to 1 h. Absent: every 10 s.
    public var dnsRefreshRate: Duration?

    public init(reading fields: inout FieldReader) {
        `protocol` = fields.choice("protocol", default: .http)
        tls = fields.object("tls") { UpstreamTLS(reading: &$0) }
        endpoints = fields.list("endpoints", count: 1...256) { endpoint in
            let host = endpoint.string("host", length: 1...253)
            if !host.isEmpty, !Host.isValidAddress(host) {
                endpoint.report("host", .format, "'host' must be an IP address or a DNS name.")
            }
            return Endpoint(
                host: host, port: Int(endpoint.integer("port", in: 1...65535)),
                weight: Int(endpoint.integer("weight", in: 0...1000, default: 1)), zone: endpoint.optionalName("zone")
            )
        }
        connectTimeout = fields.duration("connectTimeout", in: .milliseconds(1) ... .seconds(60), default: .seconds(2))
        responseTimeout = fields.duration(
            "responseTimeout", in: .milliseconds(1) ... .seconds(3600), default: .seconds(30))
        requestTimeout = fields.optionalDuration("requestTimeout", in: .milliseconds(1) ... .seconds(86_400))
        idleTimeout = fields.optionalDuration("idleTimeout", in: .milliseconds(1) ... .seconds(3600))
        streamIdleTimeout = fields.optionalDuration("streamIdleTimeout", in: .zero ... .seconds(86_400))
        loadBalancing = fields.object("loadBalancing") { LoadBalancing(reading: &$0) }
        outlierDetection = fields.object("outlierDetection") { OutlierDetection(reading: &$0) }
        retries = fields.object("retries") { Retries(reading: &$0) }
        circuitBreakers = fields.object("circuitBreakers") { CircuitBreakers(reading: &$0) }
        healthCheck = fields.object("healthCheck") { HealthCheck(reading: &$0) }
        dnsRefreshRate = fields.optionalDuration("dnsRefreshRate", in: .seconds(1) ... .seconds(3600))
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("protocol", `protocol`)
        if let tls { fields.write("tls") { tls.write(to: &$0) } }
        fields.write("endpoints", endpoints) { $0.write(to: &$1) }
        fields.write("connectTimeout", connectTimeout)
        fields.write("responseTimeout", responseTimeout)
        if let requestTimeout { fields.write("requestTimeout", requestTimeout) }
        if let idleTimeout { fields.write("idleTimeout", idleTimeout) }
        if let streamIdleTimeout { fields.write("streamIdleTimeout", streamIdleTimeout) }
        if let loadBalancing { fields.write("loadBalancing") { loadBalancing.write(to: &$0) } }
        if let outlierDetection { fields.write("outlierDetection") { outlierDetection.write(to: &$0) } }
        if let retries { fields.write("retries") { retries.write(to: &$0) } }
        if let circuitBreakers { fields.write("circuitBreakers") { circuitBreakers.write(to: &$0) } }
        if let healthCheck { fields.write("healthCheck") { healthCheck.write(to: &$0) } }
        if let dnsRefreshRate { fields.write("dnsRefreshRate", dnsRefreshRate) }
    }
}

extension Service.Endpoint {
    fileprivate func write(to fields: inout FieldWriter) {
        fields.write("host", host)
        fields.write("port", Int64(port))
        fields.write("weight", Int64(weight))
        fields.write("zone", zone)
    }
}
