// SPDX-License-Identifier: Apache-2.0

/// Why a message that came over HTTP/2 is malformed (RFC 9113 §8.1.1): its stream is reset, and nothing of it is passed on.
public enum HTTP2Fault: Error, Sendable, Hashable, CaseIterable {
    /// A name that is no token, or has upper case (RFC 9113 §8.2.1).
    case badFieldName
    /// A control, or space around the value (RFC 9113 §8.2.1).
    case badFieldValue
    /// A field that speaks of an HTTP/1.1 connection (RFC 9113 §8.2.2).
    case connectionField
    /// A pseudo-field that is missing, repeated, unknown or empty, or has what could not stand in a request line.
    case badPseudoField
    /// More trailers than a head may have fields.
    case tooLarge
    /// CONNECT, of which this gateway has no meaning.
    case connect
}
