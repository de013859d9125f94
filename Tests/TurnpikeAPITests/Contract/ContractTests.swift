// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Logging
import Testing
import TurnpikeControl
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeTelemetry
import TurnpikeTestSupport
import Yams

@testable import TurnpikeAPI

/// `openapi.yaml` is held to the server in both directions.
@Suite struct ContractTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../..").standardized

    private func contract() throws -> [String: Any] {
        let text = try String(contentsOf: Self.root.appendingPathComponent("openapi.yaml"), encoding: .utf8)
        return try #require(try Yams.load(yaml: text) as? [String: Any])
    }

    private func schema(_ name: String) throws -> [String: Any] {
        let components = try #require(try contract()["components"] as? [String: Any])
        let schemas = try #require(components["schemas"] as? [String: Any])
        return try #require(schemas[name] as? [String: Any])
    }

    private func endpoints() async throws -> [Endpoint] {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let control = try await ControlPlane.start(
            store: InMemoryStore(), clock: ManualWallClock(), sealingKeys: SealingKeys(SealingKey()), logger: logger,
            metrics: MetricsRegistry())
        return allEndpoints(control: control, openAPI: [], metrics: MetricsRegistry())
    }

    private func operations() throws -> [String: [String: Any]] {
        let paths = try #require(try contract()["paths"] as? [String: [String: Any]])
        var operations: [String: [String: Any]] = [:]
        for (path, methods) in paths {
            for (method, operation) in methods {
                operations["\(method.uppercased()) \(path)"] = operation as? [String: Any]
            }
        }
        return operations
    }

    @Test func `every operation of the server is in the contract, and every one of the contract in the server`()
        async throws
    {
        let served = Set(try await endpoints().map { "\($0.method.rawValue) \($0.path)" })
        let written = Set(try operations().keys)
        #expect(served.subtracting(written) == [], "served and not written")
        #expect(written.subtracting(served) == [], "written and not served")
    }

    @Test func `every query parameter of an operation is in the contract and the other way round`() async throws {
        let components = try #require(try contract()["components"] as? [String: Any])
        let shared = try #require(components["parameters"] as? [String: [String: Any]])
        let operations = try operations()
        for endpoint in try await endpoints() {
            let name = "\(endpoint.method.rawValue) \(endpoint.path)"
            let parameters = (operations[name]?["parameters"] as? [[String: Any]] ?? []).compactMap { parameter in
                (parameter["$ref"] as? String).flatMap { shared[String($0.split(separator: "/").last ?? "")] }
                    ?? parameter
            }
            let written = Set(parameters.filter { $0["in"] as? String == "query" }.compactMap { $0["name"] as? String })
            let served = endpoint.takesFilters ? ["limit", "cursor", "label", "minRevision"] : endpoint.parameters
            #expect(written == served, "\(name)")
        }
    }

    @Test func `an operation declares what its parameters can lead to`() async throws {
        let operations = try operations()
        for endpoint in try await endpoints() {
            let name = "\(endpoint.method.rawValue) \(endpoint.path)"
            let responses = try #require(operations[name]?["responses"] as? [String: [String: Any]])
            var expected: Set<String> = []
            if endpoint.access != .everybody { expected.formUnion(["401", "403", "429"]) }
            if endpoint.takesFilters || !endpoint.parameters.isEmpty || endpoint.method == .post {
                expected.insert("400")
            }
            if endpoint.takesFilters || endpoint.parameters.contains("minRevision") { expected.insert("503") }
            #expect(expected.subtracting(responses.keys) == [], "\(name)")
            if endpoint.takesFilters || endpoint.parameters.contains("cursor") {
                let headers = responses["200"]?["headers"] as? [String: Any]
                #expect(headers?["Link"] != nil, "\(name)")
            }
        }
    }

    @Test func `what is created links to how it is read, changed and deleted`() throws {
        let operations = try operations()
        for (name, operation) in operations where name.hasPrefix("POST ") {
            let responses = operation["responses"] as? [String: [String: Any]]
            guard let created = responses?["201"] else { continue }
            let member = "\(name.dropFirst(5))/{"
            let expected = operations.filter { other, _ in
                ["GET \(member)", "PATCH \(member)", "DELETE \(member)"].contains { other.hasPrefix($0) }
                    && other.hasSuffix("}") && other.count { $0 == "{" } == member.count { $0 == "{" }
            }
            let links = try #require(created["links"] as? [String: [String: Any]], "\(name)")
            let ids = Set(links.values.compactMap { $0["operationId"] as? String })
            #expect(ids == Set(expected.values.compactMap { $0["operationId"] as? String }), "\(name)")
            #expect(ids.count >= 2)
        }
    }

    @Test(arguments: Kind.allCases)
    func `a kind's schema has the fields that the server reads, and requires the same`(kind: Kind) throws {
        let name = kind.rawValue.prefix(1).uppercased() + kind.rawValue.dropFirst()
        let schema = try schema(kind == .apiKey ? "APIKey" : name)
        let properties = try #require(schema["properties"] as? [String: [String: Any]])
        // What operations add to the documents that they answer with; nobody sends it.
        let added = ["status", "rollout", "warnings", "workers", kind.spec.credential?.field ?? ""]
        for name in added where properties[name] != nil { #expect(properties[name]?["readOnly"] as? Bool == true) }
        let written = Set(properties.keys).subtracting(added)

        var probe = JSONObject()
        for field in written { probe.append(field, .null) }
        probe["surely-unknown"] = 1
        let found = faults(in: .object(probe), kind)
        let unknown = found.filter { $0.rule == .unknown }.map { $0.pointer.description }
        #expect(unknown == ["/surely-unknown"], "written and not read")
        #expect(written.subtracting(found.map { String($0.pointer.description.dropFirst()) }) == [], "taken as null")

        let required = Set(
            faults(in: .object(JSONObject()), kind).filter { $0.rule == .required }.map {
                String($0.pointer.description.dropFirst())
            })
        let writtenRequired = Set(schema["required"] as? [String] ?? [])
        // The name is required where a body creates and stands in the path elsewhere.
        #expect(required.subtracting(["name"]) == writtenRequired)
    }

    @Test(arguments: Kind.allCases)
    func `texts that the server refuses for their length, the contract does not allow`(kind: Kind) throws {
        let schemas = try ContractSchemas(try contract())
        let name = kind.rawValue.prefix(1).uppercased() + kind.rawValue.dropFirst()
        let texts = schemas.texts(in: kind == .apiKey ? "APIKey" : name)
        #expect(!texts.isEmpty)
        for text in texts {
            for value in ["", String(repeating: "a", count: 100_000)] where text.allows(value) {
                let refused = faults(in: text.body(with: value), kind).filter {
                    $0.rule == .length && $0.pointer.description == text.pointer
                }
                #expect(refused.isEmpty, "\(text.pointer) of \(value.count) characters: \(refused)")
            }
        }
    }

    @Test func `the lifetime of a cookie goes with one, in the contract as in the server`() throws {
        #expect(try schema("Stickiness")["dependentRequired"] as? [String: [String]] == ["ttl": ["cookie"]])
        for (key, isTaken) in [("cookie", true), ("header", false)] {
            var stickiness = JSONObject()
            stickiness.append(key, "a")
            stickiness.append("ttl", "1h")
            let found = faults(in: ["stickiness": .object(stickiness)], .route).map(\.pointer.description)
            #expect(found.contains("/stickiness/ttl") != isTaken)
        }
    }

    @Test func `bundles hold the kinds that clients write, in the contract as in the server`() throws {
        let kinds = try #require(try schema("WrittenKind")["enum"] as? [String])
        #expect(Set(kinds) == Set(Kind.allCases.filter { $0.spec.isCreatedByClients }.map { $0.rawValue }))
    }

    @Test func `lists are filtered by the fields of the contract that hold one value, and by no others`() throws {
        let components = try #require(try contract()["components"] as? [String: Any])
        let schemas = try #require(components["schemas"] as? [String: [String: Any]])
        func resolved(_ schema: [String: Any]) -> [String: Any] {
            let part = (schema["allOf"] as? [[String: Any]])?.first ?? schema
            return (part["$ref"] as? String).flatMap { schemas[String($0.split(separator: "/").last ?? "")] } ?? schema
        }
        for kind in Kind.allCases {
            let name = kind == .apiKey ? "APIKey" : kind.rawValue.prefix(1).uppercased() + kind.rawValue.dropFirst()
            let properties = try #require(schemas[name]?["properties"] as? [String: [String: Any]])
            for (field, schema) in properties where schema["writeOnly"] as? Bool != true {
                // What answers add to the document.
                guard field != kind.spec.credential?.field, field != "lastUsedAt" else { continue }
                let (type, choices) = (resolved(schema)["type"] as? String, resolved(schema)["enum"] as? [String])
                let isOne = type.map { ["string", "integer", "boolean"].contains($0) } ?? (choices != nil)
                let isTaken = (["x", "1", "true"] + (choices ?? [])).contains {
                    (try? FieldFilter(field, $0, kind: kind)) != nil
                }
                #expect(isTaken == isOne, "\(kind) \(field)")
            }
        }
    }

    private func faults(in json: JSON, _ kind: Kind) -> [Fault] {
        do {
            _ = try ResourceBody(json, kind: kind, name: nil)
            return []
        } catch { return error.faults }
    }

    /// A comma ends a text without quotes within braces, and what stands behind it is a field without a value.
    @Test func `no text of the contract is cut off`() throws {
        func check(_ node: Any, at path: String) {
            if let object = node as? [String: Any] {
                for (name, value) in object {
                    #expect(!(value is NSNull), "\(path)/\(name)")
                    check(value, at: "\(path)/\(name)")
                }
            }
            for element in node as? [Any] ?? [] { check(element, at: path) }
        }
        check(try contract(), at: "")
    }

    @Test func `every reference of the contract leads somewhere`() throws {
        let contract = try contract()
        func check(_ node: Any) {
            if let list = node as? [Any] { list.forEach(check) }
            guard let object = node as? [String: Any] else { return }
            if let reference = object["$ref"] as? String {
                var place: Any? = contract
                for name in reference.dropFirst(2).split(separator: "/") {
                    place = (place as? [String: Any])?[String(name)]
                }
                #expect(place != nil, "\(reference)")
            }
            object.values.forEach(check)
        }
        check(contract)
    }

    @Test func `every error code is described in docs/problems.md`() throws {
        let text = try String(contentsOf: Self.root.appendingPathComponent("docs/problems.md"), encoding: .utf8)
        for code in ErrorCode.allCases {
            #expect(text.contains("### \(code.rawValue)\n"), "\(code.rawValue)")
            #expect(text.contains("| `\(code.rawValue)` | \(code.status) |"), "\(code.rawValue)")
        }
    }
}
