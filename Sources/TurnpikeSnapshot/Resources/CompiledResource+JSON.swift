// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

// The wire form. Readers refuse what they do not know, so that a worker never serves half of what it was told.

extension CompiledResource {
    public var json: JSON { .object(FieldWriter.object(for: .storage) { write(to: &$0) }) }

    func write(to fields: inout FieldWriter) {
        fields.write("type", type)
        fields.write("tenant", content.tenant)
        fields.write("name", content.name)
        content.write(to: &fields)
    }

    init(reading fields: inout FieldReader) {
        switch fields.choice("type", ResourceType.self) {
        case .route: self = .route(CompiledRoute(reading: &fields))
        case .cluster: self = .cluster(CompiledCluster(reading: &fields))
        case .key: self = .key(CompiledKey(reading: &fields))
        case .rateLimit: self = .rateLimit(CompiledRateLimit(reading: &fields))
        case .quota: self = .quota(CompiledQuota(reading: &fields))
        case .certificate: self = .certificate(CompiledCertificate(reading: &fields))
        }
    }

    /// - Throws: `invalidResource` naming every fault.
    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .storage)
        self.init(reading: &fields)
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}

extension CompiledRoute {
    public init(reading fields: inout FieldReader) {
        let paths = fields.list("paths", count: 1...64) { path in
            let type = path.string("type")
            let pattern = path.string("pattern", length: 1...2048)
            if let match = PathMatch(type: type, pattern: pattern) { return match }
            path.report("type", .choice, "'\(type)' is no type of path.")
            return PathMatch.exact(pattern)
        }
        let answers = fields.has("redirect") || fields.has("respond")
        self.init(
            tenant: fields.string("tenant"), name: fields.string("name"), id: fields.id("id", .route),
            tenantID: fields.id("tenantId", .tenant), hosts: fields.strings("hosts", count: 1...64), paths: paths,
            encodedSlashes: fields.bool("encodedSlashes", default: false),
            methods: fields.strings("methods", count: 0...32),
            priority: Int(fields.integer("priority", in: -1000...1000)), requiresKey: fields.bool("requiresKey"),
            maxContentBytes: fields.optionalInteger("maxContentBytes", in: Route.contentBytes),
            backends: fields.list("backends", count: answers ? 0...0 : 1...16) { backend in
                Backend(cluster: backend.string("cluster"), weight: Int(backend.integer("weight", in: 0...1000)))
            },
            labels: fields.labels(),
            headers: fields.list("headers", count: 0...16) { ValueMatch(reading: &$0, at: .header) },
            query: fields.list("query", count: 0...16) { ValueMatch(reading: &$0, at: .query) },
            condition: fields.condition("condition"),
            redirect: fields.object("redirect") { Redirect(reading: &$0, paths: paths) },
            respond: fields.object("respond") { DirectResponse(reading: &$0) },
            rewrite: fields.object("rewrite") { Rewrite(reading: &$0, paths: paths) },
            stickiness: fields.object("stickiness") { Stickiness(reading: &$0) },
            mirrors: fields.list("mirrors", count: 0...Mirror.most) { Mirror(reading: &$0) },
            upgrades: fields.object("upgrades") { Upgrades(reading: &$0) },
            requestHeaders: fields.object("requestHeaders") { HeaderEdits(reading: &$0) } ?? HeaderEdits(),
            responseHeaders: fields.object("responseHeaders") { HeaderEdits(reading: &$0) } ?? HeaderEdits()
        )
        if redirect != nil, respond != nil { fields.report("respond", .conflict, "Stands beside 'redirect'.") }

    }

    public func write(to fields: inout FieldWriter) {
        fields.write("id", id.text(prefix: Kind.route.idPrefix))
        fields.write("tenantId", tenantID.text(prefix: Kind.tenant.idPrefix))
        fields.write("hosts", hosts)
        fields.write("paths", .array(paths.map { ["type": .string($0.type), "pattern": .string($0.pattern)] }))
        fields.write("methods", methods)
        fields.write("priority", Int64(priority))
        fields.write("requiresKey", requiresKey)
        fields.write(
            "backends",
            .array(
                backends.map {
                    ["cluster": .string($0.cluster), "weight": .integer(Int64($0.weight))]
                }))
        // Workers that do not know these fields can serve every route that has none of them.
        if encodedSlashes { fields.write("encodedSlashes", true) }
        if let maxContentBytes { fields.write("maxContentBytes", maxContentBytes) }
        if !labels.isEmpty { fields.write("labels", labels.json) }
        if !headers.isEmpty { fields.write("headers", .array(headers.map(\.json))) }
        if !query.isEmpty { fields.write("query", .array(query.map(\.json))) }
        fields.write("condition", condition?.text)
        fields.write("redirect", redirect?.json)
        fields.write("respond", respond?.json)
        fields.write("rewrite", rewrite?.json)
        fields.write("stickiness", stickiness?.json)
        if !mirrors.isEmpty { fields.write("mirrors", .array(mirrors.map(\.json))) }
        fields.write("upgrades", upgrades?.json)
        if !requestHeaders.isEmpty { fields.write("requestHeaders", requestHeaders.json) }
        if !responseHeaders.isEmpty { fields.write("responseHeaders", responseHeaders.json) }
    }
}

extension CompiledCluster {
    public init(reading fields: inout FieldReader) {
        self.init(
            tenant: fields.string("tenant"), name: fields.string("name"), id: fields.id("id", .service),
            endpoints: fields.list("endpoints", count: 1...256) { endpoint in
                Endpoint(
                    host: endpoint.string("host"), port: Int(endpoint.integer("port", in: 1...65535)),
                    weight: Int(endpoint.integer("weight", in: 0...1000)), zone: endpoint.optionalName("zone")
                )
            },
            connectTimeout: .milliseconds(fields.integer("connectTimeoutMillis", in: 1...60_000)),
            responseTimeout: .milliseconds(fields.integer("responseTimeoutMillis", in: 1...3_600_000)),
            requestTimeout: fields.optionalMilliseconds("requestTimeoutMillis", in: 1...86_400_000),
            idleTimeout: fields.optionalMilliseconds("idleTimeoutMillis", in: 1...3_600_000),
            streamIdleTimeout: fields.optionalMilliseconds("streamIdleTimeoutMillis", in: 0...86_400_000),
            loadBalancing: fields.object("loadBalancing") { LoadBalancing(reading: &$0) },
            outlierDetection: fields.object("outlierDetection") { OutlierDetection(reading: &$0) },
            retries: fields.object("retries") { Retries(reading: &$0) },
            circuitBreakers: fields.object("circuitBreakers") { CircuitBreakers(reading: &$0) },
            protocol: fields.choice("protocol", default: .http),
            tls: fields.object("tls") { UpstreamTLS(reading: &$0) },
            healthCheck: fields.object("healthCheck") { HealthCheck(reading: &$0) },
            dnsRefreshRate: fields.optionalMilliseconds("dnsRefreshRateMillis", in: 1000...3_600_000)
        )
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("id", id.text(prefix: Kind.service.idPrefix))
        fields.write("endpoints", .array(endpoints.map(\.json)))
        fields.write("connectTimeoutMillis", connectTimeout.inMilliseconds)
        fields.write("responseTimeoutMillis", responseTimeout.inMilliseconds)
        if let requestTimeout { fields.write("requestTimeoutMillis", requestTimeout.inMilliseconds) }
        if let idleTimeout { fields.write("idleTimeoutMillis", idleTimeout.inMilliseconds) }
        if let streamIdleTimeout { fields.write("streamIdleTimeoutMillis", streamIdleTimeout.inMilliseconds) }
        if let loadBalancing { fields.write("loadBalancing") { loadBalancing.write(to: &$0) } }
        if let outlierDetection { fields.write("outlierDetection") { outlierDetection.write(to: &$0) } }
        if let retries { fields.write("retries") { retries.write(to: &$0) } }
        if let circuitBreakers { fields.write("circuitBreakers") { circuitBreakers.write(to: &$0) } }
        // Said only where it is not HTTP/1.1, which all gateways speak.
        if `protocol` != .http { fields.write("protocol", `protocol`) }
        if let tls { fields.write("tls") { tls.write(to: &$0) } }
        if let healthCheck { fields.write("healthCheck") { healthCheck.write(to: &$0) } }
        if let dnsRefreshRate { fields.write("dnsRefreshRateMillis", dnsRefreshRate.inMilliseconds) }
    }
}

extension CompiledCluster.Endpoint {
    fileprivate var json: JSON {
        .object(
            JSONObject([
                "host": .string(host), "port": .integer(Int64(port)), "weight": .integer(Int64(weight)),
                "zone": zone.map { .string($0) },
            ]))
    }
}

extension CompiledKey {
    public init(reading fields: inout FieldReader) {
        let digest = KeyDigest(hex: fields.string("digest"))
        if digest == nil { fields.report("digest", .format, "'digest' must be 64 hexadecimal digits.") }
        self.init(
            tenant: fields.string("tenant"), name: fields.string("name"), id: fields.id("id", .apiKey),
            tenantID: fields.id("tenantId", .tenant), digest: digest ?? KeyDigest(words: (0, 0, 0, 0)),
            expiresAt: fields.timestamp("expiresAt"), routes: fields.strings("routes", count: 0...256)
        )
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("id", id.text(prefix: Kind.apiKey.idPrefix))
        fields.write("tenantId", tenantID.text(prefix: Kind.tenant.idPrefix))
        fields.write("digest", digest.hex)
        fields.write("expiresAt", expiresAt)
        fields.write("routes", routes)
    }
}

extension CompiledRateLimit {
    public init(reading fields: inout FieldReader) {
        self.init(
            tenant: fields.string("tenant"), name: fields.string("name"), id: fields.id("id", .policy),
            per: fields.choice("per"), limit: fields.integer("limit", in: 1...1_000_000_000),
            interval: .milliseconds(fields.integer("intervalMillis", in: 1...86_400_000)),
            burst: fields.integer("burst", in: 1...1_000_000_000), selector: RouteSelector(reading: &fields)
        )
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("id", id.text(prefix: Kind.policy.idPrefix))
        fields.write("per", per)
        fields.write("limit", limit)
        fields.write("intervalMillis", interval.inMilliseconds)
        fields.write("burst", burst)
        selector.write(to: &fields)
    }
}

extension CompiledQuota {
    public init(reading fields: inout FieldReader) {
        self.init(
            tenant: fields.string("tenant"), name: fields.string("name"), id: fields.id("id", .quota),
            tenantID: fields.id("tenantId", .tenant), per: fields.choice("per"),
            limit: fields.integer("limit", in: 0...1_000_000_000_000_000), period: fields.choice("period"),
            enforcement: fields.choice("enforcement"), selector: RouteSelector(reading: &fields)
        )
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("id", id.text(prefix: Kind.quota.idPrefix))
        fields.write("tenantId", tenantID.text(prefix: Kind.tenant.idPrefix))
        fields.write("per", per)
        fields.write("limit", limit)
        fields.write("period", period)
        fields.write("enforcement", enforcement)
        selector.write(to: &fields)
    }
}

extension FieldReader {
    fileprivate mutating func optionalMilliseconds(_ name: String, in range: ClosedRange<Int64>) -> Duration? {
        optionalInteger(name, in: range).map { .milliseconds($0) }
    }

    /// An id of that kind.
    mutating func id(_ name: String, _ kind: Kind) -> ResourceID {
        let text = string(name, length: 1...1024)
        if let id = ResourceID(text: text, prefix: kind.idPrefix) { return id }
        if !text.isEmpty { report(name, .format, "'\(name)' must be an id that begins with '\(kind.idPrefix)_'.") }
        return .zero
    }
}
