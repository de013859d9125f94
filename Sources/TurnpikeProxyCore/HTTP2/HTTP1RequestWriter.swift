// SPDX-License-Identifier: Apache-2.0

/// Writes the head of a request that came over HTTP/2 as the HTTP/1.1 that the engine reads (RFC 9113 §8.3.1).
///
/// The engine then judges it as any other request. What is refused here is only what would be another request, or more than
/// one, once it is lines of text.
public enum HTTP1RequestWriter {
    /// - Parameters:
    ///   - fields: pseudo-fields first.
    ///   - endsStream: no content follows, nor trailers.
    ///   - output: what is appended to.
    /// - Returns: how the content is to be written.
    /// - Throws: where the request is malformed; `output` is of no use then.
    public static func write(
        _ fields: some Sequence<(name: String, value: String)>, endsStream: Bool, to output: inout [UInt8]
    ) throws(HTTP2Fault) -> HTTP1ContentWriter {
        var line = RequestLine()
        var rest: [UInt8] = []
        var cookies: [String] = []
        var length: String?
        for (name, value) in fields {
            if name.hasPrefix(":") {
                guard rest.isEmpty, cookies.isEmpty else { throw .badPseudoField }
                try line.take(name, value)
                continue
            }
            try HTTP2FieldRules.check(name: name, value: value)
            switch name {
            case "cookie": cookies.append(value)
            // Beside the same `:authority` it says nothing; another one is the engine's to refuse.
            case "host" where value == line.authority: break
            case "te": guard value.lowercased() == "trailers" else { throw .connectionField }
            default:
                if name == "content-length" { length = value }
                rest.append(name, value)
            }
        }
        try line.write(to: &output)
        output += rest
        // A client may send each cookie as a field of its own (RFC 9113 §8.2.3).
        if !cookies.isEmpty { output.append("cookie", cookies.joined(separator: "; ")) }
        let content = HTTP1ContentWriter(
            framing: endsStream ? .none : length == nil ? .chunked : .length,
            headWaits: !endsStream && length?.utf8.allSatisfy { $0 == ASCII.zero } == true)
        if content.framing == .chunked { output.append("transfer-encoding", "chunked") }
        output += [ASCII.cr, ASCII.lf]
        return content
    }

    private struct RequestLine {
        private var method: String?
        private var scheme: String?
        private var path: String?
        private(set) var authority: String?

        mutating func take(_ name: String, _ value: String) throws(HTTP2Fault) {
            switch name {
            case ":method": try Self.set(&method, value, HTTP2FieldRules.isToken(value))
            case ":scheme": try Self.set(&scheme, value, value == "http" || value == "https")
            case ":path": try Self.set(&path, value, HTTP2FieldRules.isTarget(value))
            case ":authority": try Self.set(&authority, value, HTTP2FieldRules.isTarget(value))
            default: throw .badPseudoField
            }
        }

        private static func set(_ field: inout String?, _ value: String, _ isGood: Bool) throws(HTTP2Fault) {
            guard field == nil, isGood else { throw .badPseudoField }
            field = value
        }

        func write(to output: inout [UInt8]) throws(HTTP2Fault) {
            guard method != "CONNECT" else { throw .connect }
            // In origin form only: an absolute one would name another authority beside `:authority`.
            guard let method, let path, scheme != nil, path.hasPrefix("/") || path == "*" else { throw .badPseudoField }
            output += method.utf8
            output.append(ASCII.space)
            output += path.utf8
            output += " HTTP/1.1\r\n".utf8
            if let authority { output.append("host", authority) }
        }
    }
}
