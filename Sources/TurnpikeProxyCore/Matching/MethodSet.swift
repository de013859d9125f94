// SPDX-License-Identifier: Apache-2.0

/// A set of methods of one ``RouteTable``, which gives its own methods bits behind the known ones.
public struct MethodSet: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    static let any = MethodSet(rawValue: .max)
    static let get = MethodSet(.get)
    static let head = MethodSet(.head)
    /// Methods that no route of the table names; only routes for every method take them.
    static let unnamed = MethodSet(bit: 63)

    init(bit: Int) { rawValue = 1 << UInt64(bit) }

    init(_ method: HTTPMethod) { self.init(bit: Int(method.rawValue)) }
}

/// The methods that the routes of one table name.
struct MethodNames: Sendable {
    private static let known = HTTPMethod.allCases.filter { $0 != .other }
    /// Methods without a constant that a table can tell apart; bit 63 is for all others.
    static let mostOthers = 63 - known.count

    private var others: [[UInt8]] = []

    /// The set of one method, for a route; nil when there are too many.
    mutating func insert(_ name: String) -> MethodSet? {
        var name = name
        let found = name.withUTF8 { set(of: UnsafeRawBufferPointer($0)) }
        guard found == .unnamed else { return found }
        guard others.count < Self.mostOthers else { return nil }
        others.append(Array(name.utf8))
        return MethodSet(bit: Self.known.count + others.count - 1)
    }

    /// The set of one method, for a request.
    func set(of name: UnsafeRawBufferPointer) -> MethodSet {
        let method = HTTPMethod(name)
        guard method == .other else { return MethodSet(method) }
        for (position, other) in others.enumerated() where name.elementsEqual(other) {
            return MethodSet(bit: Self.known.count + position)
        }
        return .unnamed
    }

    /// The names in a set, separated by commas.
    func list(_ set: MethodSet) -> String {
        let known = Self.known.filter { set.contains(MethodSet($0)) }.map { "\($0.name)" }
        let further = others.indices.filter { set.contains(MethodSet(bit: Self.known.count + $0)) }
            .map { String(decoding: others[$0], as: UTF8.self) }
        return (known + further).joined(separator: ", ")
    }
}
