// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Something that a data plane can do, and another may not.
public enum Capability: String, Sendable, CaseIterable {
    case apiKey, maxContentBytes, rateLimit, quota
    case templatePath, regexPath, encodedSlashes
    case headerMatch, queryMatch, matchCondition
    case weightedBackends
    case redirect, directResponse, rewrite, stickiness, headerEdits, mirror, upgrades
    case loadBalancing, localityAwareness, outlierDetection, retries, requestTimeout, circuitBreakers, dnsRefreshRate
    case upstreamIdleTimeout, streamIdleTimeout
    case healthCheck, grpcHealthCheck
    case upstreamHTTP2, upstreamTLS, clientCertificate
    /// Shows clients certificates that it is told of.
    case certificate
    /// Answers probes.
    case probe
}

extension CompiledResource.ResourceType {
    /// What a worker must be able to do, to be told of resources of this type at all; `nil`: every worker is. For one that does
    /// not know the type would take nothing that comes with them.
    public var announced: Capability? { self == .certificate ? .certificate : nil }
}

extension CompiledResource {
    /// What a worker must be able to do, to do what this says.
    public var requiredCapabilities: Set<Capability> {
        switch self {
        case .key: [.apiKey]
        case .rateLimit: [.rateLimit]
        case .quota: [.quota]
        case .certificate: [.certificate]
        case .cluster(let cluster): cluster.requiredCapabilities
        case .route(let route): route.requiredCapabilities
        }
    }
}

extension CompiledRoute {
    fileprivate var requiredCapabilities: Set<Capability> {
        var required: Set<Capability> = []
        if requiresKey { required.insert(.apiKey) }
        if maxContentBytes != nil { required.insert(.maxContentBytes) }
        if encodedSlashes { required.insert(.encodedSlashes) }
        if backends.count > 1 { required.insert(.weightedBackends) }
        if !headers.isEmpty { required.insert(.headerMatch) }
        if !query.isEmpty { required.insert(.queryMatch) }
        if condition != nil { required.insert(.matchCondition) }
        if redirect != nil { required.insert(.redirect) }
        if respond != nil { required.insert(.directResponse) }
        if rewrite != nil { required.insert(.rewrite) }
        if stickiness != nil { required.insert(.stickiness) }
        if !mirrors.isEmpty { required.insert(.mirror) }
        if upgrades != nil { required.insert(.upgrades) }
        if !requestHeaders.isEmpty || !responseHeaders.isEmpty { required.insert(.headerEdits) }
        for path in paths {
            switch path {
            case .template: required.insert(.templatePath)
            case .regex: required.insert(.regexPath)
            case .exact, .prefix: break
            }
        }
        return required
    }
}

extension CompiledCluster {
    fileprivate var requiredCapabilities: Set<Capability> {
        var required: Set<Capability> = []
        if loadBalancing != nil { required.insert(.loadBalancing) }
        if loadBalancing?.localityAwareness != nil { required.insert(.localityAwareness) }
        if outlierDetection != nil { required.insert(.outlierDetection) }
        if retries != nil { required.insert(.retries) }
        if requestTimeout != nil { required.insert(.requestTimeout) }
        if idleTimeout != nil { required.insert(.upstreamIdleTimeout) }
        if streamIdleTimeout != nil { required.insert(.streamIdleTimeout) }
        if circuitBreakers != nil { required.insert(.circuitBreakers) }
        if `protocol` == .http2 { required.insert(.upstreamHTTP2) }
        if tls != nil { required.insert(.upstreamTLS) }
        if tls?.clientCertificate != nil { required.insert(.clientCertificate) }
        if let healthCheck {
            required.insert(.healthCheck)
            if case .grpc = healthCheck.question { required.insert(.grpcHealthCheck) }
        }
        if dnsRefreshRate != nil { required.insert(.dnsRefreshRate) }
        return required
    }
}

/// What a worker says of itself each time that it opens its stream, as JSON in the field `Turnpike-Worker`: it may have been
/// upgraded or moved since it joined.
public struct WorkerAnnouncement: Sendable, Hashable {
    /// The field that carries it.
    public static let fieldName = "Turnpike-Worker"

    public var version: String
    /// Names of what it can do. Those that the control plane does not know are kept, and mean nothing to it.
    public var capabilities: Set<String>
    /// Where it serves, as `host:port`.
    public var addresses: [String]
    /// Where it runs, for services that prefer endpoints of its zone; `nil` where nobody told it.
    public var zone: String?

    public init(version: String, capabilities: Set<String>, addresses: [String], zone: String? = nil) {
        self.version = version
        self.capabilities = capabilities
        self.addresses = addresses
        self.zone = zone
    }

    public var json: JSON {
        .object(
            JSONObject([
                "version": .string(version), "capabilities": .array(capabilities.sorted().map { .string($0) }),
                "addresses": .array(addresses.map { .string($0) }), "zone": zone.map { .string($0) },
            ]))
    }

    /// - Throws: `invalidResource` with every fault.
    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .request)
        version = fields.string("version", length: 0...64, default: "")
        capabilities = Set(
            fields.strings("capabilities", count: 0...256) { $0.utf8.count <= 64 ? nil : "is too long." })
        addresses = fields.strings("addresses", count: 0...16) { $0.utf8.count <= 300 ? nil : "is too long." }
        zone = fields.optionalName("zone")
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }

    public func lacks(_ capability: Capability) -> Bool { !capabilities.contains(capability.rawValue) }
}
