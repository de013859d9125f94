// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// A whole answer of the gateway's own: status line, fields and an `application/problem+json` body (RFC 9457).
public struct ProblemResponse: Sendable {
    public var code: ErrorCode
    /// Safe for the client to read: nothing of other tenants, nothing of upstream addresses.
    public var detail: String
    public var requestID: RequestID
    /// Seconds, for `Retry-After`.
    public var retryAfterSeconds: UInt64?
    public var rateLimit: RateLimitFields?
    /// For 401, such as `Bearer realm="turnpike"`.
    public var wwwAuthenticate: StaticString?
    /// For 405: the methods, separated by commas.
    public var allow: String?
    var date: DateField?
    /// For `Turnpike-Debug`.
    var debug: String?
    public var keepAlive: Bool
    public var clientMinorVersion: UInt8
    /// The request was HEAD: fields as for GET, but no content.
    public var answersHead: Bool

    public init(
        code: ErrorCode, detail: String, requestID: RequestID, keepAlive: Bool,
        clientMinorVersion: UInt8 = 1, answersHead: Bool = false
    ) {
        self.code = code
        self.detail = detail
        self.requestID = requestID
        self.keepAlive = keepAlive
        self.clientMinorVersion = clientMinorVersion
        self.answersHead = answersHead
    }

    /// Where `type` points to; the code is appended.
    public static let typePrefix: StaticString = "https://turnpike.dev/problems/"

    /// Bytes that `write` takes at most.
    public var sizeBound: Int {
        // A character takes at most six bytes in JSON; the title is in the status line as well.
        code.rawValue.utf8.count + 7 * code.title.utf8.count + 6 * detail.utf8.count + (allow?.utf8.count ?? 0)
            + (wwwAuthenticate?.utf8CodeUnitCount ?? 0) + (rateLimit?.sizeBound ?? 0) + ByteWriter.debugBound(debug)
            + 512
    }

    /// Writes the whole answer.
    public func write(to writer: inout ByteWriter) {
        writer.append("HTTP/1.1 ")
        writer.append(decimal: UInt64(code.status))
        writer.append(" ")
        writer.appendFieldText(code.title)
        writer.append("\r\nContent-Type: application/problem+json\r\n")
        writer.appendField("Content-Length", decimal: UInt64(bodyLength))
        writer.append("Cache-Control: no-store\r\nX-Request-Id: ")
        requestID.write(to: &writer)
        writer.append("\r\n")
        date?.write(to: &writer)
        if let retryAfterSeconds { writer.appendField("Retry-After", decimal: retryAfterSeconds) }
        rateLimit?.write(to: &writer)
        if let wwwAuthenticate { writer.appendField("WWW-Authenticate", wwwAuthenticate) }
        if let allow {
            writer.append("Allow: ")
            writer.appendFieldText(allow)
            writer.append("\r\n")
        }
        writer.appendDebug(debug)
        writer.appendConnection(keepAlive: keepAlive, clientMinorVersion: clientMinorVersion)
        writer.appendEndOfHead()
        if !answersHead { writeBody(to: &writer) }
    }

    private func writeBody(to writer: inout ByteWriter) {
        writer.append(#"{"type":""#)
        writer.append(Self.typePrefix)
        writer.appendJSON(code.rawValue)
        writer.append(#"","title":""#)
        writer.appendJSON(code.title)
        writer.append(#"","status":"#)
        writer.append(decimal: UInt64(code.status))
        writer.append(#","detail":""#)
        writer.appendJSON(detail)
        writer.append(#"","requestId":""#)
        requestID.write(to: &writer)
        writer.append("\"}\n")
    }

    private var bodyLength: Int {
        // Everything in the body but its three texts, the status and the request id.
        let frame = #"{"type":"","title":"","status":,"detail":"","requestId":""}"#.utf8.count + 1
        let statusDigits = 3
        return frame + Self.typePrefix.utf8CodeUnitCount + ByteWriter.jsonLength(code.rawValue)
            + ByteWriter.jsonLength(code.title) + statusDigits + ByteWriter.jsonLength(detail) + RequestID.textLength
    }
}

extension ByteWriter {
    /// Text for a field value or a reason phrase; controls, which could end the line, are left out.
    mutating func appendFieldText(_ text: String) {
        for byte in text.utf8 where !ASCII.isControl(byte) { append(byte) }
    }

    /// The inside of a JSON string (RFC 8259 §7).
    mutating func appendJSON(_ text: String) {
        for byte in text.utf8 {
            if byte == ASCII.doubleQuote || byte == ASCII.backslash {
                append(ASCII.backslash)
                append(byte)
            } else if byte < ASCII.space {
                append(#"\u00"#)
                append(hex: UInt64(byte), digits: 2)
            } else {
                append(byte)
            }
        }
    }

    /// Bytes that `appendJSON` writes.
    static func jsonLength(_ text: String) -> Int {
        text.utf8.reduce(into: 0) { length, byte in
            length += byte < ASCII.space ? 6 : byte == ASCII.doubleQuote || byte == ASCII.backslash ? 2 : 1
        }
    }
}
