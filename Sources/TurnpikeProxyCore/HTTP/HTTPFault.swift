// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Why a message is refused. A fault ends the connection: what follows on it can no longer be told apart.
///
/// The same faults are used for both directions; `code` is the answer to a client that sent such a request. A faulty
/// answer of an upstream is a 502 to the client, whatever `code` says.
public enum HTTPFault: UInt8, Error, Sendable, CaseIterable {
    // Lines
    case bareLineFeed
    case startLineTooLong
    case headTooLarge
    case tooManyFields
    // Request line
    case badRequestLine
    case badMethod
    case connectNotSupported
    case badTarget
    case unsupportedTargetForm
    case asteriskNotOptions
    case badVersion
    case unsupportedVersion
    // Status line
    case badStatusLine
    // Fields
    case badFieldName
    case spaceBeforeColon
    case missingColon
    case foldedField
    case controlInValue
    case tooManyConnectionOptions
    case unsupportedExpectation
    // Host
    case missingHost
    case repeatedHost
    case badHost
    case hostMismatch
    // Framing
    case badContentLength
    case repeatedContentLength
    case contentLengthTooLarge
    case lengthWithTransferEncoding
    case badTransferEncoding
    case unsupportedTransferCoding
    case transferEncodingInOldVersion
    // Chunked content
    case badChunkSize
    case chunkTooLarge
    case badChunkExtension
    case chunkExtensionTooLong
    case badChunkEnd
    case badTrailer
    case forbiddenTrailer
    case trailersTooLarge
    case bodyTooLarge
    // Path
    case badPath
    case badPercentEncoding
    case forbiddenEncodedCharacter
    case pathAboveRoot
    case dotSegmentWithParameters
}

extension HTTPFault {
    /// What a request is refused as (RFC 9110 §15.5 and §15.6, RFC 6585 §5).
    public var code: ErrorCode {
        switch self {
        case .startLineTooLong: .uriTooLong
        case .headTooLarge, .tooManyFields, .trailersTooLarge: .headersTooLarge
        case .contentLengthTooLarge, .chunkTooLarge, .bodyTooLarge: .bodyTooLarge
        case .unsupportedExpectation: .unsupportedExpectation
        case .connectNotSupported: .methodNotSupported
        case .unsupportedTransferCoding: .unsupportedTransferCoding
        case .unsupportedVersion: .unsupportedHTTPVersion
        default: .malformedRequest
        }
    }

    /// The status code to refuse a request with.
    public var status: Int { code.status }

    /// A short text that stays the same between releases, for the access log and for `detail` of the answer.
    public var reason: String {
        switch self {
        case .bareLineFeed: "line feed without carriage return"
        case .startLineTooLong: "request line too long"
        case .headTooLarge: "header section too large"
        case .tooManyFields: "too many header fields"
        case .badRequestLine: "malformed request line"
        case .badMethod: "invalid method"
        case .connectNotSupported: "CONNECT is not supported"
        case .badTarget: "invalid character in request target"
        case .unsupportedTargetForm: "unsupported form of request target"
        case .asteriskNotOptions: "asterisk target without OPTIONS"
        case .badVersion: "malformed HTTP version"
        case .unsupportedVersion: "unsupported HTTP version"
        case .badStatusLine: "malformed status line"
        case .badFieldName: "invalid header field name"
        case .spaceBeforeColon: "whitespace before colon"
        case .missingColon: "header field without colon"
        case .foldedField: "folded header field"
        case .controlInValue: "control character in header field"
        case .tooManyConnectionOptions: "too many connection options"
        case .unsupportedExpectation: "unsupported expectation"
        case .missingHost: "missing host"
        case .repeatedHost: "repeated host"
        case .badHost: "invalid host"
        case .hostMismatch: "host does not match request target"
        case .badContentLength: "invalid content-length"
        case .repeatedContentLength: "conflicting content-length"
        case .contentLengthTooLarge: "content-length too large"
        case .lengthWithTransferEncoding: "content-length with transfer-encoding"
        case .badTransferEncoding: "invalid transfer-encoding"
        case .unsupportedTransferCoding: "unsupported transfer coding"
        case .transferEncodingInOldVersion: "transfer-encoding in HTTP/1.0"
        case .badChunkSize: "invalid chunk size"
        case .chunkTooLarge: "chunk too large"
        case .badChunkExtension: "invalid chunk extension"
        case .chunkExtensionTooLong: "chunk extensions too long"
        case .badChunkEnd: "chunk without line end"
        case .badTrailer: "malformed trailer field"
        case .forbiddenTrailer: "forbidden trailer field"
        case .trailersTooLarge: "trailer section too large"
        case .bodyTooLarge: "content too large"
        case .badPath: "invalid path"
        case .badPercentEncoding: "invalid percent-encoding"
        case .forbiddenEncodedCharacter: "forbidden encoded character in path"
        case .pathAboveRoot: "path climbs above root"
        case .dotSegmentWithParameters: "dot segment with parameters"
        }
    }
}
