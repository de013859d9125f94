// SPDX-License-Identifier: Apache-2.0

/// What stands before the payload of each frame (RFC 9113 §4.1).
struct FrameHeader {
    static let byteCount = 9
    /// Payload of a frame at most, in both directions: the least that HTTP/2 allows, and what everybody uses.
    static let mostPayload = 1 << 14

    let length: Int
    /// As it came: frames of unknown kinds are passed over (RFC 9113 §4.1).
    let kind: UInt8
    let flags: FrameFlags
    /// 0 where it is about the connection.
    let stream: UInt32

    /// - Precondition: `bytes` are at least ``byteCount``.
    init(_ bytes: UnsafeRawBufferPointer) {
        let first = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
        length = Int(first >> 8)
        kind = UInt8(truncatingIfNeeded: first)
        flags = FrameFlags(rawValue: bytes[4])
        stream = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 5, as: UInt32.self)) & 0x7FFF_FFFF
    }
}

/// The kinds of RFC 9113 §6.
enum FrameKind: UInt8 {
    case data, headers, priority, resetStream, settings, pushPromise, ping, goAway, windowUpdate, continuation
}

struct FrameFlags: OptionSet {
    let rawValue: UInt8

    static let endStream = FrameFlags(rawValue: 0x1)
    /// Of settings and pings.
    static let acknowledges = FrameFlags(rawValue: 0x1)
    static let endHeaders = FrameFlags(rawValue: 0x4)
    static let padded = FrameFlags(rawValue: 0x8)
    static let priority = FrameFlags(rawValue: 0x20)
}

/// Why a stream is reset, or a connection ends (RFC 9113 §7).
enum HTTP2ErrorCode: UInt32, Error, Sendable, Hashable {
    case noError, protocolError, internalError, flowControlError, settingsTimeout, streamClosed, frameSizeError
    case refusedStream, cancel, compressionError, connectError, enhanceYourCalm, inadequateSecurity, http11Required
}
