// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeTestSupport

/// A kind as the tests of the conventions know it: what makes a valid resource of it in the tenant `acme`, and what changes one.
/// A kind without a sample does not compile.
struct KindSample {
    let kind: Kind
    /// A top-level field that a client may change, and what it changes it to.
    let change: (field: String, value: JSON)
    private let spec: JSON

    init(_ kind: Kind, at now: Timestamp) throws {
        self.kind = kind
        switch kind {
        case .tenant:
            (spec, change) = (["displayName": "One"], ("displayName", "Two"))
        case .service:
            (spec, change) = (["endpoints": [["host": "127.0.0.1", "port": 9001]]], ("connectTimeout", "3s"))
        case .route:
            spec = [
                "match": ["hosts": ["api.acme.test"], "paths": [["prefix": "/sample"]]],
                "backends": [["service": "orders"]],
            ]
            change = ("priority", 7)
        case .apiKey:
            (spec, change) = (["displayName": "One"], ("enabled", false))
        case .quota:
            (spec, change) = (["limit": 5, "period": "month"], ("limit", 6))
        case .policy:
            (spec, change) = (["kind": "rateLimit", "per": "key", "limit": 100, "interval": "1s"], ("limit", 50))
        case .certificate:
            let issued = try CertificateAuthority(now: now).issueServer(names: ["api.acme.test"], now: now)
            spec = ["chain": .string(issued.certificatePEM), "privateKey": .string(issued.privateKeyPEM)]
            change = ("labels", ["changed": "yes"])
        case .worker:
            (spec, change) = (["kind": "gateway"], ("version", "2"))
        case .joinToken:
            (spec, change) = (["kind": "gateway"], ("lifetime", "1h"))
        case .operator:
            (spec, change) = (["role": "viewer"], ("displayName", "Two"))
        }
    }

    var collection: String { kind.scope == .tenant ? "/v1/tenants/acme/\(kind.plural)" : "/v1/\(kind.plural)" }
    func member(_ name: String) -> String { "\(collection)/\(name)" }

    /// Whether the document changes while its revision stays.
    var isLive: Bool { kind == .worker || kind == .operator }

    func body(name: String? = nil, labels: [String: String] = [:], and more: JSON = [:]) -> String {
        var body = spec.object ?? JSONObject()
        if let name { body["name"] = .string(name) }
        if !labels.isEmpty { body["labels"] = labels.json }
        for member in more.object?.members ?? [] { body[member.name] = member.value }
        return JSON.object(body).text
    }

    /// A merge patch with the change.
    var patch: String { JSON.object(JSONObject([change.field: change.value])).text }

    /// Makes a resource as its kind is made: by a POST, or by a worker that joins.
    func create(
        _ name: String, labels: [String: String] = [:], on server: TestServer, query: String = "",
        headers: HTTPFields = [:]
    ) async throws -> Answer {
        guard !kind.spec.isCreatedByClients else {
            return try await server.send(
                .post, collection + query, body(name: name, labels: labels), headers: headers)
        }
        let token = try await server.send(.post, "/v1/join-tokens", #"{"kind":"gateway"}"#).json["token"]?.string
        return try await server.send(
            .post, collection, body(name: name), headers: [.authorization: "Bearer \(token ?? "")"])
    }
}

extension TestServer {
    /// Starts a server with the tenant `acme`, its service and route `orders`, and gives the sample of a kind.
    static func run(_ kind: Kind, _ body: @Sendable (TestServer, KindSample) async throws -> Void) async throws {
        try await run { server in
            try await server.seed()
            try await body(server, try KindSample(kind, at: server.clock.now))
        }
    }
}

extension Kind {
    static var createdByClients: [Kind] { allCases.filter { $0.spec.isCreatedByClients } }
}

extension Answer {
    /// The document, without what only a creation shows.
    func document(of kind: Kind) -> JSON {
        guard var object = json.object else { return .null }
        if let field = kind.spec.credential?.field { object[field] = nil }
        return .object(object)
    }
}
