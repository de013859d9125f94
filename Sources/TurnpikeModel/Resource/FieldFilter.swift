// SPDX-License-Identifier: Apache-2.0

/// A question to one top-level field of a kind's documents: whether it has this value.
///
/// What a kind's fields can hold is asked of its declaration, which reads the value as if a client wrote it. A filter that no
/// document could ever pass is refused: an empty list would look as if nothing were there.
public struct FieldFilter: Sendable, Hashable {
    public let name: String
    public let value: String

    /// - Throws: `invalidParameter` for a field that documents of the kind do not have, one that holds a list or an object, and
    ///   a value that the field cannot have.
    public init(_ name: String, _ value: String, kind: Kind) throws(TurnpikeError) {
        self.name = name
        self.value = value
        let faults = Self.samples.map { Self.faults(of: name, $0, kind) }
        guard !kind.spec.fieldsNotShown.contains(name), !faults[0].contains(where: { $0.rule == .unknown }) else {
            throw TurnpikeError(.invalidParameter, "There is no field '\(name)' to filter by.")
        }
        let scalars = zip(Self.samples, faults).filter { !$1.contains { $0.rule == .type } }.map(\.0)
        guard !scalars.isEmpty, !kind.spec.listsOfServer.contains(name) else {
            throw TurnpikeError(.invalidParameter, "'\(name)' holds a list or an object; no list is filtered by it.")
        }
        let readings = scalars.compactMap { reading(as: $0) }
        let wrong = readings.compactMap { Self.faults(of: name, $0, kind).first { $0.rule == .choice } }
        guard wrong.count < readings.count else {
            throw TurnpikeError(.invalidParameter, wrong.first?.detail ?? Self.expectation(of: name, scalars))
        }
    }

    /// One value of each type that a filter can be written for.
    private static let samples: [JSON] = [.string(""), .integer(1), .bool(true)]

    private static func faults(of name: String, _ value: JSON, _ kind: Kind) -> [Fault] {
        do {
            _ = try ResourceBody(.object(JSONObject([name: value])), kind: kind, name: nil)
            return []
        } catch {
            let place = JSONPointer().appending(name)
            return error.faults.filter { $0.pointer == place }
        }
    }

    /// The value as one of a sample's type; `nil` where its text is that of none.
    private func reading(as sample: JSON) -> JSON? {
        switch sample {
        case .integer: Int64(value).flatMap { String($0) == value ? .integer($0) : nil }
        case .bool: ["true": .bool(true), "false": .bool(false)][value]
        default: .string(value)
        }
    }

    private static func expectation(of name: String, _ scalars: [JSON]) -> String {
        "'\(name)' must be \(scalars.contains(.bool(true)) ? "true or false" : "an integer")."
    }
}
