// SPDX-License-Identifier: Apache-2.0

/// Methods as bits: one for each that ``HTTPMethod`` knows, and one for all others together, which are told apart by
/// name.
struct MethodSet: OptionSet, Sendable, Hashable {
    let rawValue: UInt16

    /// Every method there is or may be.
    static let any = MethodSet(rawValue: .max)
    static let get = MethodSet(.get)
    static let head = MethodSet(.head)
    static let others = MethodSet(.other)

    init(rawValue: UInt16) { self.rawValue = rawValue }

    init(_ method: HTTPMethod) { rawValue = 1 << UInt16(method.rawValue) }

    /// What a route takes; empty names mean every method.
    init(names: [String]) {
        self = names.isEmpty ? .any : []
        for name in names { formUnion(MethodSet(HTTPMethod(name))) }
    }

    var names: [String] {
        HTTPMethod.allCases.filter { $0 != .other && contains(MethodSet($0)) }.map { "\($0.name)" }
    }
}

extension HTTPMethod {
    init(_ name: String) {
        var name = name
        self = name.withUTF8 { HTTPMethod(UnsafeRawBufferPointer($0)) }
    }
}

/// The methods that routes take at a host and path.
public struct AllowedMethods: Sendable, Hashable {
    /// Those of ``HTTPMethod``.
    let known: MethodSet
    /// The rest, in order.
    let others: [String]

    /// The value of `Allow`: names separated by commas, HEAD wherever there is GET.
    var header: String {
        let known = known.contains(.get) ? known.union(.head) : known
        return (known.names + others).joined(separator: ", ")
    }
}

/// The method of one request, to be held against routes.
struct WantedMethod {
    let method: MethodSet
    private let name: UnsafeRawBufferPointer

    init(_ name: UnsafeRawBufferPointer) {
        method = MethodSet(HTTPMethod(name))
        self.name = name
    }

    /// GET, for HEAD requests.
    var substitute: MethodSet { method == .head ? .get : [] }

    /// Whether the route takes the method itself.
    func isTaken(by candidate: RouteCandidate, in table: RouteTable) -> Bool {
        guard candidate.methods.contains(method) else { return false }
        guard method == .others, candidate.methods != .any else { return true }
        return table.members[candidate.entry].prepared.entry.methods.contains { $0.utf8.elementsEqual(name) }
    }
}
