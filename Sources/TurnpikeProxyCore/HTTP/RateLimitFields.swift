// SPDX-License-Identifier: Apache-2.0

/// One limit as a client is told of it, in `RateLimit-Policy` and `RateLimit` (IETF draft "RateLimit header fields for
/// HTTP"): how much is allowed in which window, what remains, and when it is restored.
public struct RateLimitFields: Sendable, Hashable {
    /// The policy's name; characters that a structured-field string cannot carry are written as `_`.
    public var policy: String
    /// Units allowed per window.
    public var limit: UInt64
    public var windowSeconds: UInt64
    public var remaining: UInt64
    /// Seconds until `remaining` is the whole limit again.
    public var resetSeconds: UInt64

    public init(policy: String, limit: UInt64, windowSeconds: UInt64, remaining: UInt64, resetSeconds: UInt64) {
        self.policy = policy
        self.limit = limit
        self.windowSeconds = windowSeconds
        self.remaining = remaining
        self.resetSeconds = resetSeconds
    }

    /// Bytes that `write` takes at most.
    public var sizeBound: Int { 2 * policy.utf8.count + 140 }

    /// Writes both field lines.
    public func write(to writer: inout ByteWriter) {
        writer.append("RateLimit-Policy: ")
        writePolicyName(to: &writer)
        writer.append(";q=")
        writer.append(decimal: limit)
        writer.append(";w=")
        writer.append(decimal: windowSeconds)
        writer.append("\r\nRateLimit: ")
        writePolicyName(to: &writer)
        writer.append(";r=")
        writer.append(decimal: remaining)
        writer.append(";t=")
        writer.append(decimal: resetSeconds)
        writer.append("\r\n")
    }

    private func writePolicyName(to writer: inout ByteWriter) {
        writer.append(ASCII.doubleQuote)
        for byte in policy.utf8 {
            let isPlain = 0x20..<0x7F ~= byte && byte != ASCII.doubleQuote && byte != ASCII.backslash
            writer.append(isPlain ? byte : 0x5F)
        }
        writer.append(ASCII.doubleQuote)
    }
}
