// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// What a worker needs to know of one resource. The compiler makes them, streams carry them, workers serve by them.
public enum CompiledResource: Sendable, Hashable {
    // These say much, and would make every key as large as they are.
    indirect case route(CompiledRoute)
    indirect case cluster(CompiledCluster)
    indirect case certificate(CompiledCertificate)
    case key(CompiledKey)
    case rateLimit(CompiledRateLimit)
    case quota(CompiledQuota)

    public enum ResourceType: String, Sendable, CaseIterable { case route, cluster, key, rateLimit, quota, certificate }

    public var type: ResourceType {
        switch self {
        case .route: .route
        case .cluster: .cluster
        case .key: .key
        case .rateLimit: .rateLimit
        case .quota: .quota
        case .certificate: .certificate
        }
    }

    /// Not by its content as a whole, which would be copied for that.
    public var name: CompiledName {
        switch self {
        case .route(let route): CompiledName(.route, tenant: route.tenant, name: route.name)
        case .cluster(let cluster): CompiledName(.cluster, tenant: cluster.tenant, name: cluster.name)
        case .key(let key): CompiledName(.key, tenant: key.tenant, name: key.name)
        case .rateLimit(let rateLimit): CompiledName(.rateLimit, tenant: rateLimit.tenant, name: rateLimit.name)
        case .quota(let quota): CompiledName(.quota, tenant: quota.tenant, name: quota.name)
        case .certificate(let certificate):
            CompiledName(.certificate, tenant: certificate.tenant, name: certificate.name)
        }
    }

    var content: any CompiledContent {
        switch self {
        case .route(let route): route
        case .cluster(let cluster): cluster
        case .key(let key): key
        case .rateLimit(let rateLimit): rateLimit
        case .quota(let quota): quota
        case .certificate(let certificate): certificate
        }
    }
}

/// The identity of a compiled resource: its type, and the tenant and name of the resource that it stands for.
public struct CompiledName: Sendable, Hashable, CustomStringConvertible {
    public var type: CompiledResource.ResourceType
    public var tenant: String
    public var name: String

    public init(_ type: CompiledResource.ResourceType, tenant: String, name: String) {
        self.type = type
        self.tenant = tenant
        self.name = name
    }

    /// Without the type, which would be hashed as its text: no more names than there are types share tenant and name.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(tenant)
        hasher.combine(name)
    }

    /// `route/acme/orders`
    public var description: String { "\(type.rawValue)/\(tenant)/\(name)" }

    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, let type = CompiledResource.ResourceType(rawValue: String(parts[0])),
            !parts[1].isEmpty, !parts[2].isEmpty
        else { return nil }
        self.init(type, tenant: String(parts[1]), name: String(parts[2]))
    }

    /// The resource that an operator knows.
    public var source: ResourceKey {
        let kind: Kind =
            switch type {
            case .route: .route
            case .cluster: .service
            case .key: .apiKey
            case .rateLimit: .policy
            case .quota: .quota
            case .certificate: .certificate
            }
        return ResourceKey(kind, tenant: tenant, name: name)
    }
}

/// What every compiled resource has.
public protocol CompiledContent: Sendable, Hashable {
    var tenant: String { get }
    var name: String { get }
    func write(to fields: inout FieldWriter)
    init(reading fields: inout FieldReader)
}

/// A route as a gateway serves it.
public struct CompiledRoute: CompiledContent {
    public struct Backend: Sendable, Hashable {
        /// Name of a cluster of the same tenant.
        public var cluster: String
        public var weight: Int

        public init(cluster: String, weight: Int) {
            self.cluster = cluster
            self.weight = weight
        }
    }

    public var tenant: String
    public var name: String
    public var id: ResourceID
    public var tenantID: ResourceID
    public var hosts: [String]
    public var paths: [PathMatch]
    /// Whether paths may hold `%2F`.
    public var encodedSlashes: Bool
    public var methods: [String]
    public var priority: Int
    /// Whether a request needs a valid API key of the tenant.
    public var requiresKey: Bool
    /// Bytes. Absent: as many as the gateway takes.
    public var maxContentBytes: Int64?
    public var backends: [Backend]
    /// By which rate limits and quotas of the same tenant select the route. That is left to whoever serves by them: a limit for
    /// all routes that comes or goes is one resource on its way, however many routes there are.
    public var labels: Labels
    /// What else a request must fulfil, all of it.
    public var headers: [ValueMatch]
    public var query: [ValueMatch]
    public var condition: Condition?
    /// In place of backends.
    public var redirect: Redirect?
    /// In place of backends.
    public var respond: DirectResponse?
    public var rewrite: Rewrite?
    public var stickiness: Stickiness?
    /// Of which the services are clusters of the same tenant.
    public var mirrors: [Mirror]
    public var upgrades: Upgrades?
    public var requestHeaders: HeaderEdits
    public var responseHeaders: HeaderEdits

    public init(
        tenant: String, name: String, id: ResourceID, tenantID: ResourceID, hosts: [String], paths: [PathMatch],
        encodedSlashes: Bool = false, methods: [String], priority: Int, requiresKey: Bool,
        maxContentBytes: Int64? = nil, backends: [Backend],
        labels: Labels = [:], headers: [ValueMatch] = [], query: [ValueMatch] = [], condition: Condition? = nil,
        redirect: Redirect? = nil, respond: DirectResponse? = nil, rewrite: Rewrite? = nil,
        stickiness: Stickiness? = nil, mirrors: [Mirror] = [], upgrades: Upgrades? = nil,
        requestHeaders: HeaderEdits = HeaderEdits(),
        responseHeaders: HeaderEdits = HeaderEdits()
    ) {
        self.tenant = tenant
        self.name = name
        self.id = id
        self.tenantID = tenantID
        self.hosts = hosts
        self.paths = paths
        self.encodedSlashes = encodedSlashes
        self.methods = methods
        self.priority = priority
        self.requiresKey = requiresKey
        self.maxContentBytes = maxContentBytes
        self.backends = backends
        self.labels = labels
        self.headers = headers
        self.query = query
        self.condition = condition
        self.redirect = redirect
        self.respond = respond
        self.rewrite = rewrite
        self.stickiness = stickiness
        self.mirrors = mirrors
        self.upgrades = upgrades
        self.requestHeaders = requestHeaders
        self.responseHeaders = responseHeaders
    }

    /// Whether a limit of the same tenant, with this selector, is for the route.
    public func isSelected(by selector: RouteSelector) -> Bool { selector.selects(route: name, labels: labels) }

    /// Headers, query parameters and condition in one form.
    public var conditions: [ConditionExpression] {
        headers.map { $0.expression(at: .header) } + query.map { $0.expression(at: .query) }
            + (condition.map { [$0.expression] } ?? [])
    }
}

/// A service as a gateway reaches it.
public struct CompiledCluster: CompiledContent {
    public struct Endpoint: Sendable, Hashable {
        public var host: String
        public var port: Int
        public var weight: Int

        /// Absent: not known, or of no matter.
        public var zone: String?

        public init(host: String, port: Int, weight: Int, zone: String? = nil) {
            self.host = host
            self.port = port
            self.weight = weight
            self.zone = zone
        }
    }

    public var tenant: String
    public var name: String
    public var id: ResourceID
    public var endpoints: [Endpoint]
    public var connectTimeout: Duration
    public var responseTimeout: Duration
    /// Absent: no bound but the others.
    public var requestTimeout: Duration?
    /// Of connections between two requests. Absent: ``Service/defaultIdleTimeout``.
    public var idleTimeout: Duration?
    /// Zero: for ever. Absent: what `responseTimeout` and the gateway allow.
    public var streamIdleTimeout: Duration?
    /// Absent: in turns, by weight.
    public var loadBalancing: LoadBalancing?
    /// Absent: endpoints are not judged by their answers.
    public var outlierDetection: OutlierDetection?
    /// Absent: up to three other endpoints where one cannot be reached, and nothing else.
    public var retries: Retries?
    /// Absent: no bounds but the gateway's own.
    public var circuitBreakers: CircuitBreakers?
    public var `protocol`: Service.UpstreamProtocol
    /// Absent: in the clear.
    public var tls: UpstreamTLS?
    /// Absent: endpoints are not asked how they are.
    public var healthCheck: HealthCheck?
    /// Absent: every 10 s.
    public var dnsRefreshRate: Duration?

    public init(
        tenant: String, name: String, id: ResourceID, endpoints: [Endpoint], connectTimeout: Duration,
        responseTimeout: Duration, requestTimeout: Duration? = nil, idleTimeout: Duration? = nil,
        streamIdleTimeout: Duration? = nil, loadBalancing: LoadBalancing? = nil,
        outlierDetection: OutlierDetection? = nil, retries: Retries? = nil, circuitBreakers: CircuitBreakers? = nil,
        protocol: Service.UpstreamProtocol = .http, tls: UpstreamTLS? = nil, healthCheck: HealthCheck? = nil,
        dnsRefreshRate: Duration? = nil
    ) {
        self.tenant = tenant
        self.name = name
        self.id = id
        self.endpoints = endpoints
        self.connectTimeout = connectTimeout
        self.responseTimeout = responseTimeout
        self.requestTimeout = requestTimeout
        self.idleTimeout = idleTimeout
        self.streamIdleTimeout = streamIdleTimeout
        self.loadBalancing = loadBalancing
        self.outlierDetection = outlierDetection
        self.retries = retries
        self.circuitBreakers = circuitBreakers
        self.protocol = `protocol`
        self.tls = tls
        self.healthCheck = healthCheck
        self.dnsRefreshRate = dnsRefreshRate
    }
}

/// An API key that may be used. Disabled keys are not streamed.
public struct CompiledKey: CompiledContent {
    public var tenant: String
    public var name: String
    public var id: ResourceID
    public var tenantID: ResourceID
    public var digest: KeyDigest
    public var expiresAt: Timestamp?
    /// Names of the routes that the key may use; empty for all of its tenant's.
    public var routes: [String]

    public init(
        tenant: String, name: String, id: ResourceID, tenantID: ResourceID, digest: KeyDigest, expiresAt: Timestamp?,
        routes: [String]
    ) {
        self.tenant = tenant
        self.name = name
        self.id = id
        self.tenantID = tenantID
        self.digest = digest
        self.expiresAt = expiresAt
        self.routes = routes
    }
}

public struct CompiledRateLimit: CompiledContent {
    public var tenant: String
    public var name: String
    public var id: ResourceID
    public var per: RateLimit.Subject
    public var limit: Int64
    public var interval: Duration
    public var burst: Int64
    /// The routes that it is for.
    public var selector: RouteSelector

    public init(
        tenant: String, name: String, id: ResourceID, per: RateLimit.Subject, limit: Int64, interval: Duration,
        burst: Int64, selector: RouteSelector = RouteSelector()
    ) {
        self.tenant = tenant
        self.name = name
        self.id = id
        self.per = per
        self.limit = limit
        self.interval = interval
        self.burst = burst
        self.selector = selector
    }
}

/// A quota as a worker spends it, by leases; periods are the control plane's business.
public struct CompiledQuota: CompiledContent {
    public var tenant: String
    public var name: String
    public var id: ResourceID
    public var tenantID: ResourceID
    public var per: Quota.Subject
    public var limit: Int64
    public var period: Quota.Period
    public var enforcement: Quota.Enforcement
    /// The routes that it is for.
    public var selector: RouteSelector

    public init(
        tenant: String, name: String, id: ResourceID, tenantID: ResourceID, per: Quota.Subject, limit: Int64,
        period: Quota.Period, enforcement: Quota.Enforcement, selector: RouteSelector = RouteSelector()
    ) {
        self.tenant = tenant
        self.name = name
        self.id = id
        self.tenantID = tenantID
        self.per = per
        self.limit = limit
        self.period = period
        self.enforcement = enforcement
        self.selector = selector
    }
}
