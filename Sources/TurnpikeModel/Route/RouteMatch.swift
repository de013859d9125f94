// SPDX-License-Identifier: Apache-2.0

/// Which requests a route takes: host and path and, where given, method, headers, query parameters and condition must
/// match.
public struct RouteMatch: Sendable, Hashable {
    /// 1 to 64 host names, lower case, without port; `*.example.com` matches every name below it. A host belongs to
    /// one tenant.
    public var hosts: [String]
    /// 1 to 64 path patterns, of which one must match.
    public var paths: [PathMatch]
    /// Whether paths may hold `%2F`, a slash that is text within a segment. Default false: such requests are refused.
    public var encodedSlashes: Bool
    /// Methods taken; empty for all.
    public var methods: [String]
    /// Up to 16, of which all must hold.
    public var headers: [ValueMatch]
    /// Up to 16, of which all must hold.
    public var query: [ValueMatch]
    /// Must hold as well.
    public var condition: Condition?

    init(reading fields: inout FieldReader) {
        hosts = fields.strings("hosts", count: 1...64) { host in
            Host.isValidPattern(host)
                ? nil : "'\(host)' must be a host name in lower case without port, or '*.' before one."
        }
        paths = fields.list("paths", count: 1...64) { PathMatch(reading: &$0) }
        encodedSlashes = fields.bool("encodedSlashes", default: false)
        methods = fields.strings("methods", count: 0...32) { method in
            RouteMatch.isMethod(method)
                ? nil : "'\(method)' must be an HTTP method in upper case, other than CONNECT."
        }
        headers = fields.list("headers", count: 0...16) { ValueMatch(reading: &$0, at: .header) }
        query = fields.list("query", count: 0...16) { ValueMatch(reading: &$0, at: .query) }
        condition = fields.condition("condition")
    }

    /// Whether requests that a route may take can have this method.
    static func isMethod(_ method: String) -> Bool {
        (1...32).contains(method.utf8.count) && method != "CONNECT"
            && method.utf8.allSatisfy { (0x41...0x5A).contains($0) || $0 == 0x2D }
    }

    var json: JSON {
        .object(
            JSONObject([
                "hosts": .array(hosts.map { .string($0) }), "paths": .array(paths.map(\.json)),
                "encodedSlashes": encodedSlashes ? .bool(true) : nil,
                "methods": methods.isEmpty ? nil : .array(methods.map { .string($0) }),
                "headers": headers.isEmpty ? nil : .array(headers.map(\.json)),
                "query": query.isEmpty ? nil : .array(query.map(\.json)),
                "condition": condition.map { .string($0.text) },
            ]))
    }
}

extension FieldReader {
    /// A condition on requests; see ``Condition``.
    public mutating func condition(_ name: String) -> Condition? {
        guard let text = optionalString(name, length: 1...Condition.longestText), !text.isEmpty else { return nil }
        do { return try Condition(text) } catch {
            report(name, .format, "At character \(error.position): \(error.detail)")
            return nil
        }
    }
}

/// A path pattern, written as an object with one member that says its type.
public enum PathMatch: Sendable, Hashable {
    /// The whole path, to the letter.
    case exact(String)
    /// The path itself and all below it, by whole segments.
    case prefix(String)
    /// Segments of which `{name}` stands for one and `{name+}`, at most once, for one or more.
    case template(String)
    /// A regular expression that the whole path must match.
    case regex(String)

    public var type: String {
        switch self {
        case .exact: "exact"
        case .prefix: "prefix"
        case .template: "template"
        case .regex: "regex"
        }
    }

    public var pattern: String {
        switch self {
        case .exact(let pattern), .prefix(let pattern), .template(let pattern), .regex(let pattern): pattern
        }
    }

    public init?(type: String, pattern: String) {
        switch type {
        case "exact": self = .exact(pattern)
        case "prefix": self = .prefix(pattern)
        case "template": self = .template(pattern)
        case "regex": self = .regex(pattern)
        default: return nil
        }
    }

    var json: JSON { .object(JSONObject([type: .string(pattern)] as KeyValuePairs)) }

    init(reading fields: inout FieldReader) {
        let types = ["exact", "prefix", "template", "regex"].filter { fields.has($0) }
        guard let type = types.first, types.count == 1 else {
            fields.report([
                Fault(
                    fields.pointer, types.isEmpty ? .required : .conflict,
                    "A path needs exactly one of 'exact', 'prefix', 'template' and 'regex'."
                )
            ])
            fields.ignore("exact", "prefix", "template", "regex")
            self = .exact("/")
            return
        }
        let pattern = fields.string(type, length: 1...(type == "regex" ? 256 : 2048))
        if !pattern.isEmpty, let wrong = PathMatch.fault(in: pattern, type: type) {
            fields.report(type, .format, wrong)
        } else if type == "template", let twice = PathMatch.repeatedParameter(in: pattern) {
            fields.report(type, .unique, "'\(twice)' stands twice: which of them is meant, nobody could say.")
        }
        self = PathMatch(type: type, pattern: pattern) ?? .exact(pattern)
    }

    /// The segment whose parameter has the name of one before it.
    private static func repeatedParameter(in template: String) -> Substring? {
        var names: Set<Substring> = []
        return template.split(separator: "/").first { segment in
            segment.hasPrefix("{") && !names.insert(segment.dropFirst().prefix { $0 != "}" && $0 != "+" }).inserted
        }
    }

    /// What is wrong with a pattern, if anything. Patterns stand in normal form, since paths are normalised before
    /// they are matched: no `//`, no dot segments, no query.
    static func fault(in pattern: String, type: String) -> String? {
        if type == "regex" { return expressionFault(in: pattern) }
        guard pattern.utf8.first == UInt8(ascii: "/") else { return "The path must begin with '/'." }
        guard pattern.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return "The path must be ASCII without spaces; other characters are percent-encoded."
        }
        guard !pattern.contains(where: { $0 == "?" || $0 == "#" }) else {
            return "The path must not hold a query or a fragment."
        }
        guard hasOnlyPlainEscapes(pattern) else {
            return "The path must not hold '\\', bad percent-encodings, or encoded slashes, dots or control characters."
        }
        let segments = pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        var hasGreedyParameter = false
        for (index, segment) in segments.enumerated() {
            let isLast = index == segments.count - 1
            if segment.isEmpty && !isLast { return "The path must not hold '//'." }
            if segment == "." || segment == ".." { return "The path must not hold '.' or '..' segments." }
            guard segment.contains(where: { $0 == "{" || $0 == "}" }) else { continue }
            guard type == "template" else { return "Only a template may hold '{' and '}'." }
            guard segment.first == "{", segment.last == "}", segment.count > 2 else {
                return "'\(segment)' must be a whole '{name}' segment."
            }
            let inner = segment.dropFirst().dropLast()
            let name = inner.last == "+" ? inner.dropLast() : inner
            if name.isEmpty || !name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }) {
                return "'\(segment)' must name its parameter with letters, digits, '_' and '-'."
            }
            if inner.last == "+" {
                if hasGreedyParameter { return "Only one segment may be of the form '{name+}'." }
                hasGreedyParameter = true
            }
        }
        return nil
    }

    private static func expressionFault(in pattern: String) -> String? {
        do {
            _ = try PathExpression(pattern)
            return nil
        } catch {
            return "'\(pattern)' \(error)."
        }
    }

    /// Whether each `%` begins an encoding that a normalised path may hold; `\` never stands in one.
    private static func hasOnlyPlainEscapes(_ pattern: String) -> Bool {
        let bytes = Array(pattern.utf8)
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\\") { return false }
            guard byte == UInt8(ascii: "%") else { continue }
            guard index + 2 < bytes.count,
                let value = UInt8(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16),
                value > 0x20, value != 0x7F, !"/.\\".utf8.contains(value)
            else { return false }
        }
        return true
    }
}
