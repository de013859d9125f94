// SPDX-License-Identifier: Apache-2.0

/// What may stand in a field of HTTP/2, so that written as HTTP/1.1 it is one field still.
enum HTTP2FieldRules {
    /// Fields of a message that are not of the connection's making; throws at the first that is malformed.
    ///
    /// - Returns: what the gateway knows the field as.
    @discardableResult
    static func check(
        name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) throws(HTTP2Fault) -> KnownField {
        guard isName(name) else { throw .badFieldName }
        let known = KnownField(name)
        switch known {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade: throw .connectionField
        default: break
        }
        guard isValue(value) else { throw .badFieldValue }
        return known
    }

    @discardableResult
    static func check(name: String, value: String) throws(HTTP2Fault) -> KnownField {
        var (name, value) = (name, value)
        let outcome = name.withUTF8 { name in
            value.withUTF8 { value in
                Result { () throws(HTTP2Fault) in
                    try check(name: UnsafeRawBufferPointer(name), value: UnsafeRawBufferPointer(value))
                }
            }
        }
        return try outcome.get()
    }

    /// A token in lower case (RFC 9113 §8.2.1).
    private static func isName(_ name: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset + 8 <= name.count {
            let word = name.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            guard ByteWords.lettersAndDashes(word) == ByteWords.tops else { break }
            guard ByteWords.lowercased(word) == word else { return false }
            offset += 8
        }
        while offset < name.count {
            guard ASCII.isToken(name[offset]), ASCII.lowercased(name[offset]) == name[offset] else { return false }
            offset += 1
        }
        return !name.isEmpty
    }

    /// Visible text with spaces and tabs within, other bytes above ASCII: `field-content` of RFC 9110 §5.5.
    static func isValue(_ value: UnsafeRawBufferPointer) -> Bool {
        guard let first = value.first, let last = value.last else { return true }
        return !ASCII.isWhitespace(first) && !ASCII.isWhitespace(last)
            && !FieldLine.hasControl(value, from: 0, to: value.count)
    }

    static func isToken(_ text: UnsafeRawBufferPointer) -> Bool { !text.isEmpty && text.allSatisfy(ASCII.isToken) }

    /// What a request line can carry as its target.
    static func isTarget(_ text: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset + 8 <= text.count, ByteWords.isTarget(text.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        {
            offset += 8
        }
        return !text.isEmpty && text[offset...].allSatisfy(ASCII.isTarget)
    }

    /// Whether a message is one of gRPC's, whose end is told by its trailers: nothing may be done to it that would lose them.
    static func isGRPC(contentType: String) -> Bool { contentType.hasPrefix("application/grpc") }
}
