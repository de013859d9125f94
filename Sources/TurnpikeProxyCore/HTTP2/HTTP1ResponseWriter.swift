// SPDX-License-Identifier: Apache-2.0

/// Writes the head of an answer that an upstream gave over HTTP/2 as the HTTP/1.1 that the engine reads (RFC 9113 §8.3.2).
///
/// A stream serves one request, so the answer says `Connection: close`: the engine then lets go of the stream with the answer,
/// while the connection beneath it stays.
public enum HTTP1ResponseWriter {
    /// - Parameters:
    ///   - fields: `:status` first.
    ///   - endsStream: no content follows, nor trailers.
    ///   - answersHead: the request was HEAD, whose answer has the fields of another that has content.
    ///   - output: what is appended to.
    /// - Returns: how the content is to be written; `nil` for an interim answer, which another one follows.
    /// - Throws: where the answer is malformed; `output` is of no use then.
    public static func write(
        _ fields: some Sequence<(name: String, value: String)>, endsStream: Bool, answersHead: Bool,
        to output: inout [UInt8]
    ) throws(HTTP2Fault) -> HTTP1ContentWriter? {
        var status: String?
        var rest: [UInt8] = []
        var length: String?
        var isGRPC = false
        for (name, value) in fields {
            if name.hasPrefix(":") {
                guard name == ":status", status == nil, rest.isEmpty, isStatus(value) else { throw .badPseudoField }
                status = value
                continue
            }
            try HTTP2FieldRules.check(name: name, value: value)
            if name == "content-length" {
                // A second one would make two answers of one, for somebody.
                guard length == nil else { throw .badFieldValue }
                length = value
                continue
            }
            if name == "content-type", HTTP2FieldRules.isGRPC(contentType: value) { isGRPC = true }
            rest.append(name, value)
        }
        // 101 would switch protocols, which HTTP/2 does not know (RFC 9113 §8.6); an interim answer ends nothing.
        guard let status, status != "101", !(status.hasPrefix("1") && endsStream) else { throw .badPseudoField }
        output += "HTTP/1.1 \(status) \r\n".utf8
        output += rest
        guard !status.hasPrefix("1") else {
            output += [ASCII.cr, ASCII.lf]
            return nil
        }
        let mayHaveContent = !answersHead && status != "204" && status != "304"
        // Of an answer without content the end may come by itself.
        let isOver = endsStream || !mayHaveContent
        let framing: HTTP1ContentWriter.Framing = isOver ? .none : length == nil || isGRPC ? .chunked : .length
        let content = HTTP1ContentWriter(
            framing: framing, length: !mayHaveContent ? 0 : framing == .length ? try decimal(length) : nil)
        switch content.framing {
        case .none: if let length = length ?? (mayHaveContent ? "0" : nil) { output.append("content-length", length) }
        case .length: output.append("content-length", length ?? "0")
        case .chunked: output.append("transfer-encoding", "chunked")
        }
        output += "connection: close\r\n\r\n".utf8
        return content
    }

    private static func decimal(_ text: String?) throws(HTTP2Fault) -> UInt64? {
        guard let text else { return nil }
        guard text.utf8.allSatisfy(ASCII.isDigit), let number = UInt64(text) else { throw .badFieldValue }
        return number
    }

    private static func isStatus(_ text: String) -> Bool {
        text.utf8.count == 3 && text.utf8.allSatisfy(ASCII.isDigit) && !text.hasPrefix("0")
    }
}
