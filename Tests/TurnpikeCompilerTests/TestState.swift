// SPDX-License-Identifier: Apache-2.0

import TurnpikeCompiler
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

/// A state as a plain table.
struct TestState: ResourceView {
    private(set) var resources: [ResourceKey: Resource] = [:]

    init(_ resources: [Resource] = []) {
        for resource in resources { self.resources[resource.key] = resource }
    }

    /// Puts or, with `nil`, takes out a resource, and gives back what stood there.
    mutating func set(_ key: ResourceKey, _ resource: Resource?) -> Resource? {
        defer { resources[key] = resource }
        return resources[key]
    }

    func resource(_ key: ResourceKey) -> Resource? { resources[key] }

    func resources(of kind: Kind, tenant: String) -> [Resource] {
        resources.values.filter { $0.key.kind == kind && $0.key.tenant == tenant }.sorted { $0.key.name < $1.key.name }
    }

    func tenants() -> [String] { resources.keys.filter { $0.kind == .tenant }.map(\.name).sorted() }

    func compileAll() -> [CompiledName: CompiledResource] {
        var compiled: [CompiledName: CompiledResource] = [:]
        var compilation = Compilation(of: self)
        compilation.compileAll { compiled[$0.name] = $0 }
        return compiled
    }

    func compile(_ type: CompiledResource.ResourceType, _ name: String) -> CompiledResource? {
        var compilation = Compilation(of: self)
        return compilation.compile(CompiledName(type, tenant: "acme", name: name))
    }
}

/// The tenant `acme` and what tests put beside it.
enum Acme {
    static func tenant(id: UInt64 = 1) throws -> Resource { try .fixture(Tenant.self, "acme", [:], id: id) }

    static func route(_ name: String, labels: Labels = [:], openToAll: Bool = false) throws -> Resource {
        var body: JSON = [
            "match": ["hosts": ["api.acme.test"], "paths": [["prefix": .string("/\(name)")]], "methods": ["GET"]],
            "auth": ["anyOf": [["apiKey": [:]]]], "backends": [["service": "orders", "weight": 100]], "priority": 5,
        ]
        if openToAll, case .object(var object) = body {
            object["auth"] = nil
            body = .object(object)
        }
        return try .fixture(Route.self, tenant: "acme", name, body, labels: labels, id: 10)
    }

    static func certificate(key: Certificate.PrivateKey? = .sealed("sealed:v1:0:AA")) throws -> Resource {
        try .fixture(Certificate.self, tenant: "acme", "api", ["chain": "-----BEGIN CERTIFICATE-----\n"], id: 60) {
            $0.privateKey = key
            $0.facts.names = ["api.acme.test", "*.acme.test"]
            $0.facts.notBefore = Timestamp(seconds: 1_772_366_400)
            $0.facts.notAfter = Timestamp(seconds: 1_780_142_400)
        }
    }

    static func service(port: Int64 = 9001) throws -> Resource {
        try .fixture(
            Service.self, tenant: "acme", "orders",
            ["endpoints": [["host": "127.0.0.1", "port": .integer(port)]], "connectTimeout": "500ms"], id: 20)
    }

    /// A service with every field that it may have.
    static let fullService: JSON = [
        "endpoints": [["host": "127.0.0.1", "port": 9001, "weight": 3, "zone": "eu-a"]],
        "requestTimeout": "1m",
        "idleTimeout": "4s",
        "streamIdleTimeout": "15m",
        "loadBalancing": [
            "algorithm": "maglev", "hashOn": ["header": "X-User"], "localityAwareness": ["minHealthyPercent": 60],
        ],
        "outlierDetection": ["consecutiveGatewayErrors": 3, "baseEjectionTime": "10s"],
        "retries": ["on": ["reset", "503"], "perTryTimeout": "2s", "budget": ["percent": 10]],
        "circuitBreakers": ["maxConnections": 100, "maxRetries": 3],
        "healthCheck": ["http": ["path": "/healthz", "statuses": ["2xx", "304"]], "port": 9101, "interval": "5s"],
        "dnsRefreshRate": "30s",
    ]

    static func key(enabled: Bool = true, digest: String = String(repeating: "ab", count: 32)) throws -> Resource {
        try .fixture(
            APIKey.self, tenant: "acme", "partner",
            ["enabled": .bool(enabled), "expiresAt": "2030-01-01T00:00:00Z", "routes": ["orders"]], id: 30
        ) { $0.digest = digest }
    }

    static func policy(_ name: String, selector: JSON? = nil, limit: Int64 = 100) throws -> Resource {
        try .fixture(
            Policy.self, tenant: "acme", name,
            body(["kind": "rateLimit", "per": "key", "limit": .integer(limit), "interval": "1s"], selector), id: 40)
    }

    static func quota(_ name: String, selector: JSON? = nil) throws -> Resource {
        try .fixture(Quota.self, tenant: "acme", name, body(["limit": 1000, "period": "month"], selector), id: 50)
    }

    private static func body(_ members: JSON, _ selector: JSON?) -> JSON {
        guard let selector, case .object(var object) = members else { return members }
        object["selector"] = selector
        return .object(object)
    }
}
