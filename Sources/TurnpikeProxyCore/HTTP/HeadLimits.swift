// SPDX-License-Identifier: Apache-2.0

/// How large the head of a message may be before it is refused.
public struct HeadLimits: Sendable, Hashable {
    /// Bytes of the request or status line without its CRLF. Default 8 KiB, as RFC 9112 §3 asks for at least.
    public let startLineBytes: Int
    /// Field lines. Default 100.
    public let fieldCount: Int
    /// Bytes of the whole head, from its first byte to the empty line that ends it. Default 32 KiB, at most 1 MiB.
    public let headBytes: Int

    /// Values out of bounds are brought within them: a limit is never negative and a head never above 1 MiB.
    public init(startLineBytes: Int = 8 << 10, fieldCount: Int = 100, headBytes: Int = 32 << 10) {
        self.headBytes = min(max(headBytes, 64), 1 << 20)
        self.startLineBytes = min(max(startLineBytes, 16), self.headBytes)
        self.fieldCount = min(max(fieldCount, 1), 10_000)
    }
}
