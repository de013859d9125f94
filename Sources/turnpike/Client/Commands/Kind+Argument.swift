// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
public import TurnpikeModel

/// A kind as people type it: `api-keys`, `api-key` or `apiKey`.
extension Kind: ExpressibleByArgument {
    public init?(argument: String) {
        guard let kind = Kind.allCases.first(where: { $0.spellings.contains(argument) }) else { return nil }
        self = kind
    }

    public static var allValueStrings: [String] { allCases.map(\.plural) }

    private var spellings: [String] {
        let dashed = rawValue.reduce(into: "") { word, letter in
            if letter.isUppercase { word += "-" }
            word += letter.lowercased()
        }
        return [plural, dashed, rawValue]
    }
}

extension Worker.Role: ExpressibleByArgument {}
extension Operator.Role: ExpressibleByArgument {}

/// `name:value` or `name=value`, as labels are given on a command line.
struct LabelArgument: ExpressibleByArgument {
    var name: String
    var value: String

    init?(argument: String) {
        guard let separator = argument.firstIndex(where: { $0 == ":" || $0 == "=" }) else { return nil }
        name = String(argument[..<separator])
        value = String(argument[argument.index(after: separator)...])
        guard !name.isEmpty else { return nil }
    }
}

/// `250ms`, `30s`, `5m`, `1h`: a duration on a command line.
struct DurationArgument: ExpressibleByArgument {
    var duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        guard let duration = Duration(text: argument) else { return nil }
        self.duration = duration
    }

    var defaultValueDescription: String { duration.text }
}
