// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// What one proxy tells in `Forwarded` (RFC 7239 §4): `for="[2001:db8::7]:4711";proto=https`. Other parameters are passed over.
struct ForwardedElement {
    /// The address of the proxy's client; nil where it hides that or does not tell it.
    private(set) var client: IPAddress?
    /// What that client spoke.
    private(set) var scheme: RequestForwarding.Scheme?

    /// Nil where the element is not made of pairs, or tells one of them twice.
    init?(_ text: UnsafeRawBufferPointer) {
        var (hasClient, hasScheme) = (false, false)
        var start = 0
        while start < text.count {
            let end = Self.pairEnd(text, from: start)
            let pair = Self.trimmed(text, start, end)
            start = end + 1
            if pair.isEmpty { continue }
            guard let equals = pair.firstIndex(of: ASCII.equals),
                let value = Self.unquoted(pair[ByteRange(equals + 1, pair.count)])
            else { return nil }
            let name = pair[ByteRange(0, equals)]
            if name.equalsIgnoringCase("for") {
                guard !hasClient else { return nil }
                (hasClient, client) = (true, IPAddress(reported: value))
            } else if name.equalsIgnoringCase("proto") {
                guard !hasScheme else { return nil }
                (hasScheme, scheme) = (true, RequestForwarding.Scheme(reported: value))
            }
        }
    }

    /// Where a pair ends: at a semicolon that is not in quotes, or with the text.
    private static func pairEnd(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
        var offset = start
        var isQuoted = false
        while offset < text.count {
            switch text[offset] {
            case ASCII.semicolon where !isQuoted: return offset
            case ASCII.doubleQuote: isQuoted.toggle()
            case ASCII.backslash where isQuoted: offset += 1
            default: break
            }
            offset += 1
        }
        return text.count
    }

    private static func trimmed(_ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> UnsafeRawBufferPointer {
        var (start, end) = (start, end)
        while start < end, ASCII.isWhitespace(text[start]) { start += 1 }
        while end > start, ASCII.isWhitespace(text[end - 1]) { end -= 1 }
        return text[ByteRange(start, end)]
    }

    /// A value without its quotes; nil where they do not close. What is escaped within stays so: neither addresses nor schemes
    /// need it.
    private static func unquoted(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard value.first == ASCII.doubleQuote else { return value }
        guard value.count >= 2, value.last == ASCII.doubleQuote else { return nil }
        return value[ByteRange(1, value.count - 1)]
    }
}

extension RequestForwarding.Scheme {
    /// Reads what a proxy says of its client. Some call a WebSocket by a scheme of its own.
    init?(reported text: UnsafeRawBufferPointer) {
        if text.equalsIgnoringCase("https") || text.equalsIgnoringCase("wss") {
            self = .https
        } else if text.equalsIgnoringCase("http") || text.equalsIgnoringCase("ws") {
            self = .http
        } else {
            return nil
        }
    }
}
