// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import Yams

/// Reads YAML as what it says in JSON: plain scalars by YAML 1.2's core schema, so that `no` and `12:30` are text and
/// integers stay exact.
struct YAMLReader {
    /// Why a text cannot be read, and where where that is known.
    struct Fault: Error {
        var line: Int?
        var reason: String
    }

    private static let depthLimit = 64
    /// So many can stand for some thousand times what is written out, and no more.
    private static let aliasLimit = 20

    private let valueLimit: Int
    private var values = 0

    private init(valueLimit: Int) { self.valueLimit = valueLimit }

    /// The documents of a text, empty ones left out.
    ///
    /// - Parameter valueLimit: the most values that the text may hold, aliases written out, so that a few lines cannot
    ///   grow without bound.
    static func documents(in text: String, valueLimit: Int = 20_000_000) throws(Fault) -> [JSON] {
        // Before anything is parsed: the parser itself compares what aliases stand for, each as often as it is named.
        guard AliasScan.count(in: text.utf8) <= aliasLimit else {
            throw Fault(line: nil, reason: "the text has more than \(aliasLimit) aliases")
        }
        do {
            let parser = try Parser(yaml: text)
            var reader = YAMLReader(valueLimit: valueLimit)
            var documents: [JSON] = []
            while let root = try parser.nextRoot() { documents.append(try reader.json(of: root, depth: 0)) }
            return documents.filter { !$0.isNull }
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(line: nil, reason: "\(error)")
        }
    }

    private mutating func json(of node: Node, depth: Int) throws(Fault) -> JSON {
        values += 1
        guard values <= valueLimit, depth <= YAMLReader.depthLimit else {
            throw Fault(line: node.mark?.line, reason: "the text nests too deeply or holds too many values")
        }
        switch node {
        case .scalar(let scalar): return YAMLReader.json(of: scalar)
        case .sequence(let elements):
            var array: [JSON] = []
            for element in elements { array.append(try json(of: element, depth: depth + 1)) }
            return .array(array)
        case .mapping(let mapping):
            var object = JSONObject()
            for (key, value) in mapping {
                guard case .scalar(let name) = key else {
                    throw Fault(line: key.mark?.line, reason: "a key must be text")
                }
                object[name.string] = try json(of: value, depth: depth + 1)
            }
            return .object(object)
        case .alias: throw Fault(line: node.mark?.line, reason: "the alias stands for nothing")
        }
    }

    private static func json(of scalar: Node.Scalar) -> JSON {
        guard scalar.style == .any || scalar.style == .plain else { return .string(scalar.string) }
        switch scalar.string {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        // JSON's numbers are those that every reader of YAML takes for the same number.
        switch try? JSON.parse(scalar.string) {
        case .integer(let integer): return .integer(integer)
        case .number(let number): return .number(number)
        default: return .string(scalar.string)
        }
    }
}
