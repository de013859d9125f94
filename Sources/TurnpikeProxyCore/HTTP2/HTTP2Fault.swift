// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Why a message that came over HTTP/2 is malformed (RFC 9113 §8.1.1): nothing more of it is passed on. A client that has no answer
/// yet is told; else, the stream is reset.
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
    /// Content of another length than was announced (RFC 9113 §8.1.1).
    case wrongLength
    /// Fields behind the head that do not end the message (RFC 9113 §8.1).
    case fieldsWithinContent
    /// Something behind the head, of which no more is known.
    case malformedRest
}

extension HTTP2Fault {
    /// What a request is refused as: what it would be over HTTP/1.1.
    public var code: ErrorCode {
        switch self {
        case .tooLarge: .headersTooLarge
        case .connect: .methodNotSupported
        default: .malformedRequest
        }
    }

    /// A short text that stays the same between releases, for the access log.
    public var reason: String {
        switch self {
        case .badFieldName: "invalid header field name"
        case .badFieldValue: "invalid header field value"
        case .connectionField: "field of an HTTP/1.1 connection"
        case .badPseudoField: "missing, repeated or invalid pseudo-header field"
        case .tooLarge: "trailer section too large"
        case .connect: "CONNECT is not supported"
        case .wrongLength: "content does not match content-length"
        case .fieldsWithinContent: "header fields within content"
        case .malformedRest: "malformed content or trailers"
        }
    }
}
