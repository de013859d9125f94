// SPDX-License-Identifier: Apache-2.0

/// How the end of a message's content is found (RFC 9112 §6.3).
public enum BodyFraming: Sendable, Hashable {
    /// No content follows the head.
    case none
    /// Exactly so many bytes.
    case length(UInt64)
    /// Chunked transfer coding.
    case chunked
    /// Responses only: until the connection is closed.
    case untilClose

    /// Whether more bytes than these are to come, as far as the head tells: of content without a length it does not.
    public func announces(moreThan bytes: UInt64) -> Bool {
        if case .length(let length) = self { length > bytes } else { false }
    }
}
