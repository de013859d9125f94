// SPDX-License-Identifier: Apache-2.0

/// The two ends of a connection.
enum HTTP2Side { case client, server }

/// What one side of a connection asks of the other (RFC 9113 §6.5.2), as far as it concerns what is sent here.
struct HTTP2Settings {
    private enum Number {
        static let headerTableSize: UInt16 = 1
        static let enablePush: UInt16 = 2
        static let concurrentStreams: UInt16 = 3
        static let initialWindow: UInt16 = 4
        static let frameSize: UInt16 = 5
        static let headerListSize: UInt16 = 6
    }

    /// Of every window before anything is said about it (RFC 9113 §6.9.2).
    static let firstWindow = 65_535
    /// A window at most (RFC 9113 §6.9.1).
    static let mostWindow = 0x7FFF_FFFF

    /// Whose they are.
    private let side: HTTP2Side
    /// Bytes of a stream's content that may be sent before the other side asks for more.
    private(set) var initialWindow = firstWindow
    /// That a client may have begun at once.
    private(set) var concurrentStreams = Int.max

    init(of side: HTTP2Side) { self.side = side }

    /// Takes the payload of a frame of settings. Those that do not concern what is sent here are held to their bounds only:
    /// frames are never larger than anybody takes, and the other side's table of fields is never used.
    mutating func take(_ payload: UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        guard payload.count % 6 == 0 else { throw .frameSizeError }
        for offset in stride(from: 0, to: payload.count, by: 6) {
            let number = UInt16(bigEndian: payload.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
            let value = UInt32(bigEndian: payload.loadUnaligned(fromByteOffset: offset + 2, as: UInt32.self))
            switch number {
            // A server has nobody to let push.
            case Number.enablePush: guard value <= (side == .client ? 1 : 0) else { throw .protocolError }
            case Number.concurrentStreams: concurrentStreams = Int(value)
            case Number.initialWindow:
                guard value <= Self.mostWindow else { throw .flowControlError }
                initialWindow = Int(value)
            case Number.frameSize: guard 1 << 14..<1 << 24 ~= value else { throw .protocolError }
            default: break
            }
        }
    }

    /// What is asked here of the other side.
    ///
    /// - Parameters:
    ///   - side: the one that asks.
    ///   - initialWindow: bytes of a stream that may come before they are used.
    ///   - headBytes: of a head, at most.
    static func ours(of side: HTTP2Side, initialWindow: Int, headBytes: Int) -> [(number: UInt16, value: UInt32)] {
        [
            (Number.headerTableSize, UInt32(clamping: HTTP2Link.headerTable)),
            side == .client
                ? (Number.enablePush, 0) : (Number.concurrentStreams, UInt32(clamping: HTTP2Link.concurrentStreams)),
            (Number.initialWindow, UInt32(clamping: initialWindow)),
            (Number.headerListSize, UInt32(clamping: headBytes)),
        ]
    }
}
