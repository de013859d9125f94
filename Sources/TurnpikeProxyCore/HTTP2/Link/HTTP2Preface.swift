// SPDX-License-Identifier: Apache-2.0

/// What a client of HTTP/2 says first (RFC 9113 §3.4): by design no request of HTTP/1.1.
public enum HTTP2Preface {
    static let text: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    /// What the first bytes of a connection tell.
    public enum Verdict: Sendable, Hashable {
        /// They could become either.
        case undecided
        /// They begin as no request that is served does.
        case isThere
        case isNot
    }

    /// Bytes by which no method that has any meaning begins.
    private static let decisive = 4

    public static func judge(_ bytes: UnsafeRawBufferPointer) -> Verdict {
        let count = min(bytes.count, decisive)
        guard bytes.prefix(count).elementsEqual(UnsafeRawBufferPointer(start: text.utf8Start, count: count)) else {
            return .isNot
        }
        return count == decisive ? .isThere : .undecided
    }
}
