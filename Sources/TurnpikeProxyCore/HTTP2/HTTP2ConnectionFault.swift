// SPDX-License-Identifier: Apache-2.0

/// Why a whole connection of HTTP/2 ends, with all of its streams, for what its client has done: by the names of RFC 9113 §7.
public enum HTTP2ConnectionFault: String, Sendable, Hashable, CaseIterable {
    /// Anything that the others do not name.
    case protocolError = "protocol_error"
    case flowControlError = "flow_control_error"
    case frameSizeError = "frame_size_error"
    case compressionError = "compression_error"
    /// More than may be asked of a server, such as floods and heads without an end.
    case enhanceYourCalm = "enhance_your_calm"
}

extension HTTP2ConnectionFault {
    /// Nil where the code accuses nobody.
    init?(_ code: HTTP2ErrorCode) {
        switch code {
        case .noError, .internalError, .cancel: return nil
        case .flowControlError: self = .flowControlError
        case .frameSizeError: self = .frameSizeError
        case .compressionError: self = .compressionError
        case .enhanceYourCalm: self = .enhanceYourCalm
        case .protocolError, .settingsTimeout, .streamClosed, .refusedStream, .connectError, .inadequateSecurity,
            .http11Required:
            self = .protocolError
        }
    }
}
