// SPDX-License-Identifier: Apache-2.0

/// An answer that sends the client elsewhere: `{"status":308,"location":"https://new.acme.test{path}{query}"}`.
public struct Redirect: Sendable, Hashable {
    /// What a location may name beside the parameters of the route's templates.
    public enum Variable: String, Sendable, CaseIterable {
        /// The path in normal form, from its first slash on.
        case path
        /// The query with its `?`; empty where there is none.
        case query
        /// The host that was asked for, without port.
        case host
    }

    public static let statuses = [301, 302, 303, 307, 308]

    /// Default 307, which nobody caches unasked and which keeps the method.
    public var status: Int
    /// An `http` or `https` URL, or a path.
    public var location: TextTemplate

    public init(status: Int, location: TextTemplate) {
        self.status = status
        self.location = location
    }

    public init(reading fields: inout FieldReader, paths: [PathMatch]) {
        status = Int(fields.integer("status", in: 300...399, default: 307))
        if 300...399 ~= status, !Self.statuses.contains(status) {
            fields.report("status", .choice, "'status' must be one of 301, 302, 303, 307 and 308.")
        }
        let text = fields.string("location", length: 1...2048)
        location = TextTemplate(text) ?? TextTemplate(literal: text)
        if !text.isEmpty, let wrong = Self.fault(in: text, paths: paths) { fields.report("location", .format, wrong) }
    }

    public var json: JSON { ["status": .integer(Int64(status)), "location": .string(location.text)] }

    // MARK: - What makes sense

    /// A location leads where its author says, whatever a request puts in the place of its variables.
    private static func fault(in text: String, paths: [PathMatch]) -> String? {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"\"<>\\^`|".utf8.contains($0) }) else {
            return "The location must be ASCII without spaces; other characters are percent-encoded."
        }
        guard let template = TextTemplate(text) else { return "Braces must hold the name of a variable." }
        let known = PathMatch.parameters(of: paths).union(Variable.allCases.map(\.rawValue))
        if let unknown = template.variables.first(where: { !known.contains($0) }) {
            return "There is no '{\(unknown)}': not all paths of the route are templates with it."
        }
        guard let rest = relative(text) else {
            return "The location must begin with 'https://' or 'http://' and a host, with '/', or with '{path}'."
        }
        return positionFault(rest, isRelative: rest.count == text.count)
    }

    /// What follows scheme and host. Nil where there is no host, or one that a request could choose.
    private static func relative(_ text: String) -> Substring? {
        guard let scheme = ["https://", "http://"].first(where: text.hasPrefix) else {
            let isPath = text.hasPrefix("{path}") || (text.hasPrefix("/") && !text.hasPrefix("//"))
            return isPath ? text[...] : nil
        }
        let rest = text.dropFirst(scheme.count)
        let marks = ["/", "?", "#", "{path}", "{query}"]
        let end = marks.compactMap { rest.firstRange(of: $0)?.lowerBound }.min() ?? rest.endIndex
        let authority = rest[..<end].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let host = authority.first, host == "{host}" || Host.isValidAddress(String(host)) else { return nil }
        if authority.count == 2, UInt16(authority[1]).map({ $0 > 0 }) != true { return nil }
        return rest[end...]
    }

    private static func positionFault(_ rest: Substring, isRelative: Bool) -> String? {
        if let path = rest.firstRange(of: "{path}"), rest[..<path.lowerBound].hasSuffix("/") {
            return "'{path}' begins with a slash; there must be none before it."
        }
        if isRelative, rest.hasPrefix("{path}/") { return "'{path}' may be '/' alone; no slash may follow it here." }
        if let query = rest.firstRange(of: "{query}"), rest[..<query.lowerBound].contains("?") {
            return "'{query}' brings its own '?'; there must be none before it."
        }
        // A request without a query makes it nothing, and what follows would stand where it must not.
        if let query = rest.firstRange(of: "{query}") {
            let after = rest[query.upperBound...]
            guard after.isEmpty || after.hasPrefix("#") else { return "Only a fragment may follow '{query}'." }
        }
        return nil
    }
}

extension PathMatch {
    /// The names that a template gives to segments.
    public var parameters: Set<String> {
        guard case .template(let pattern) = self else { return [] }
        return Set(
            pattern.split(separator: "/").filter { $0.hasPrefix("{") }.map { segment in
                String(segment.dropFirst().prefix { $0 != "}" && $0 != "+" })
            })
    }

    /// The names that all of them give.
    public static func parameters(of paths: [PathMatch]) -> Set<String> {
        guard let first = paths.first else { return [] }
        return paths.dropFirst().reduce(first.parameters) { $0.intersection($1.parameters) }
    }
}
