// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

/// The contract's schemas, as far as a body's texts go.
struct ContractSchemas {
    /// A text within a body, and what the contract says of it.
    struct Text {
        /// The names of the members that lead to it; `nil` stands for the only element of a list.
        var path: [String?]
        var schema: [String: Any]

        var pointer: String { path.map { "/\($0 ?? "0")" }.joined() }

        /// A body that has this text and nothing else.
        func body(with value: String) -> JSON {
            var body = JSON.string(value)
            for name in path.reversed() {
                if let name {
                    var object = JSONObject()
                    object.append(name, body)
                    body = .object(object)
                } else {
                    body = .array([body])
                }
            }
            return body
        }

        /// Whether the contract's lengths, pattern and choices let a value through.
        func allows(_ value: String) -> Bool {
            if let least = schema["minLength"] as? Int, value.count < least { return false }
            if let most = schema["maxLength"] as? Int, value.count > most { return false }
            if schema["enum"] != nil || schema["const"] != nil || schema["format"] != nil { return false }
            guard let pattern = schema["pattern"] as? String, let expression = try? Regex(pattern) else { return true }
            return value.firstMatch(of: expression) != nil
        }
    }

    private let schemas: [String: [String: Any]]

    init(_ contract: [String: Any]) throws {
        let components = try #require(contract["components"] as? [String: Any])
        schemas = try #require(components["schemas"] as? [String: [String: Any]])
    }

    /// All texts that a client may send in a body of a schema.
    func texts(in name: String) -> [Text] { texts(in: schemas[name] ?? [:], at: []) }

    private func texts(in schema: [String: Any], at path: [String?]) -> [Text] {
        let schema = resolved(schema)
        guard schema["readOnly"] as? Bool != true, path.count < 8 else { return [] }
        let types = schema["type"] as? [String] ?? (schema["type"] as? String).map { [$0] } ?? []
        var texts = types.contains("string") ? [Text(path: path, schema: schema)] : []
        for (name, member) in schema["properties"] as? [String: [String: Any]] ?? [:] {
            texts += self.texts(in: member, at: path + [name])
        }
        if let items = schema["items"] as? [String: Any] { texts += self.texts(in: items, at: path + [nil]) }
        return texts
    }

    /// A schema together with those that it refers to; its own words come first.
    private func resolved(_ schema: [String: Any]) -> [String: Any] {
        var whole = schema
        for part in [schema] + (schema["allOf"] as? [[String: Any]] ?? []) {
            guard let name = (part["$ref"] as? String)?.split(separator: "/").last else { continue }
            whole.merge(resolved(schemas[String(name)] ?? [:])) { own, _ in own }
        }
        return whole
    }
}
