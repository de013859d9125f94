// SPDX-License-Identifier: Apache-2.0

/// What may stand in a field of HTTP/2, so that written as HTTP/1.1 it is one field still.
enum HTTP2FieldRules {
    /// Fields of a message that are not of the connection's making; throws at the first that is malformed.
    static func check(name: String, value: String) throws(HTTP2Fault) {
        try check(name: name)
        guard isValue(value) else { throw .badFieldValue }
    }

    private static func check(name: String) throws(HTTP2Fault) {
        guard !name.isEmpty, name.utf8.allSatisfy({ ASCII.isToken($0) && ASCII.lowercased($0) == $0 }) else {
            throw .badFieldName
        }
        switch name {
        case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade": throw .connectionField
        default: break
        }
    }

    /// Visible text with spaces and tabs within, other bytes above ASCII: `field-content` of RFC 9110 §5.5.
    static func isValue(_ value: String) -> Bool {
        guard let first = value.utf8.first, let last = value.utf8.last else { return true }
        return !ASCII.isWhitespace(first) && !ASCII.isWhitespace(last) && !value.utf8.contains(where: ASCII.isControl)
    }

    static func isToken(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(ASCII.isToken) }

    /// What a request line can carry as its target.
    static func isTarget(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(ASCII.isTarget) }

    /// Whether a message is one of gRPC's, whose end is told by its trailers: nothing may be done to it that would lose them.
    static func isGRPC(contentType: String) -> Bool { contentType.hasPrefix("application/grpc") }
}
