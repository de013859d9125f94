// SPDX-License-Identifier: Apache-2.0

import NIOHTTP2
import TurnpikeProxyCore

/// Malformed messages of one client's connection that SwiftNIO has found. It closes the stream, if there is one already, and then tells
/// the connection why. Confined to its event loop.
final class HTTP2Faults {
    /// Told of requests that nobody serves yet.
    private let tell: (HTTP2Fault) -> Void
    /// A stream has told of the fault that the connection is told of next.
    private var isTold = false

    init(tell: @escaping (HTTP2Fault) -> Void) { self.tell = tell }

    /// A stream was closed for it.
    func streamClosed() { isTold = true }

    func found(_ fault: HTTP2Fault) {
        if !isTold { tell(fault) }
        isTold = false
    }
}

extension HTTP2Fault {
    /// Why a message is malformed that SwiftNIO has refused, and has reset the stream of; nil of errors of another kind.
    init?(_ error: any Error) {
        switch error {
        case is NIOHTTP2Errors.InvalidHTTP2HeaderFieldName: self = .badFieldName
        case is NIOHTTP2Errors.InvalidHTTP2HeaderFieldValue: self = .badFieldValue
        case is NIOHTTP2Errors.ForbiddenHeaderField: self = .connectionField
        case is NIOHTTP2Errors.MissingPseudoHeader, is NIOHTTP2Errors.DuplicatePseudoHeader,
            is NIOHTTP2Errors.PseudoHeaderAfterRegularHeader, is NIOHTTP2Errors.UnknownPseudoHeader,
            is NIOHTTP2Errors.UnsupportedPseudoHeader, is NIOHTTP2Errors.InvalidPseudoHeaders,
            is NIOHTTP2Errors.InvalidPseudoHeaderValue, is NIOHTTP2Errors.EmptyPathHeader:
            self = .badPseudoField
        case is NIOHTTP2Errors.ContentLengthViolated, is NIOHTTP2Errors.ContentLengthHeadersMismatch,
            is NIOHTTP2Errors.ContentLengthHeaderNegative, is NIOHTTP2Errors.ContentLengthHeaderMalformedValue:
            self = .wrongLength
        case is NIOHTTP2Errors.TrailersWithoutEndStream: self = .fieldsWithinContent
        default: return nil
        }
    }
}
