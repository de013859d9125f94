// SPDX-License-Identifier: Apache-2.0

/// A JSON value (RFC 8259) as this product uses JSON: exact 64-bit integers apart from other numbers, members in
/// the order in which they were written, no duplicate names.
///
/// Resources are stored, hashed, patched and streamed as documents, so the product needs one value type that all
/// layers share without Foundation, that never rounds an integer, and whose text form is the same on every machine.
public enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// A number that is no 64-bit integer. Always finite.
    case number(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

/// The members of a JSON object, in order, each name once.
public struct JSONObject: Sendable, Hashable {
    public struct Member: Sendable, Hashable {
        public var name: String
        public var value: JSON
    }

    public private(set) var members: [Member]

    public init() { members = [] }

    /// Members whose value is `nil` are left out; of a name given twice the last one stands.
    public init(_ members: KeyValuePairs<String, JSON?>) {
        self.members = []
        self.members.reserveCapacity(members.count)
        for (name, value) in members {
            if let value { self[name] = value }
        }
    }

    /// For the parser, which has made sure that no name stands twice.
    init(unique members: [Member]) { self.members = members }

    public var isEmpty: Bool { members.isEmpty }
    public var count: Int { members.count }
    public var names: [String] { members.map(\.name) }

    public subscript(name: String) -> JSON? {
        get { members.first { $0.name == name }?.value }
        set {
            let index = members.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Appends a member that is known to be new. Constant time, unlike the subscript.
    public mutating func append(_ name: String, _ value: JSON) {
        members.append(Member(name: name, value: value))
    }
}

extension JSON {
    public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
    public var array: [JSON]? { if case .array(let array) = self { array } else { nil } }
    public var string: String? { if case .string(let string) = self { string } else { nil } }
    public var integer: Int64? { if case .integer(let integer) = self { integer } else { nil } }
    public var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
    public var isNull: Bool { self == .null }

    /// The member of that name, where this is an object that has one.
    public subscript(name: String) -> JSON? { object?[name] }
    /// The element at that place, where this is an array that has one.
    public subscript(index: Int) -> JSON? {
        guard case .array(let array) = self, array.indices.contains(index) else { return nil }
        return array[index]
    }

    /// What the value is, in the words of RFC 8259, for error texts.
    public var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) {
        var object = JSONObject()
        for (name, value) in elements { object[name] = value }
        self = .object(object)
    }
}
