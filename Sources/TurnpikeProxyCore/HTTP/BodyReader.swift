// SPDX-License-Identifier: Apache-2.0

/// Follows the content of one message through the bytes of a connection, whatever its framing, so that a relay can pass
/// them on as they are and knows exactly where they end.
public struct BodyReader: Sendable {
    /// How far one look at the bytes has come.
    public struct Progress: Sendable, Hashable {
        /// Bytes from the front that belong to the content, framing included.
        public let consumed: Int
        /// The content is over; what follows belongs to the next message.
        public let isComplete: Bool
    }

    private enum State: Sendable {
        case length(remaining: UInt64)
        case chunked
        case untilClose
        case complete
    }

    private var state: State
    // Beside the state and not inside it, so that stepping it does not copy it out and in.
    private var chunks: ChunkDecoder
    /// Payload bytes so far, without chunk framing and trailers.
    public private(set) var payloadBytes: UInt64 = 0
    /// Payload bytes allowed; one more is `HTTPFault.bodyTooLarge`.
    public private(set) var payloadLimit: UInt64

    /// - Parameters:
    ///   - framing: of the head.
    ///   - payloadLimit: bytes; none by default. A `length` above it fails at the first `advance`.
    public init(_ framing: BodyFraming, limits: ChunkLimits = ChunkLimits(), payloadLimit: UInt64 = .max) {
        chunks = ChunkDecoder(limits: limits)
        self.payloadLimit = payloadLimit
        switch framing {
        case .none, .length(0): state = .complete
        case .length(let length): state = .length(remaining: length)
        case .chunked: state = .chunked
        case .untilClose: state = .untilClose
        }
    }

    /// Allows no more than so many bytes of payload, where fewer are not the limit already. What was read before stays read.
    public mutating func limitPayload(to bytes: UInt64) { payloadLimit = min(payloadLimit, max(bytes, payloadBytes)) }

    public var isComplete: Bool { if case .complete = state { true } else { false } }

    /// Whether the message is whole if the sender closes now: complete, or framed by the close.
    public var mayEndNow: Bool {
        switch state {
        case .complete, .untilClose: true
        case .length, .chunked: false
        }
    }

    /// Takes the next bytes of the connection.
    ///
    /// - Throws: the fault that makes the rest of the connection unreadable; what was consumed before must not be used.
    public mutating func advance(_ bytes: UnsafeRawBufferPointer) throws(HTTPFault) -> Progress {
        switch state {
        case .complete:
            return Progress(consumed: 0, isComplete: true)
        case .untilClose:
            try count(UInt64(bytes.count))
            return Progress(consumed: bytes.count, isComplete: false)
        case .length(let remaining):
            guard remaining <= payloadLimit - payloadBytes else { throw .bodyTooLarge }
            let taken = min(remaining, UInt64(bytes.count))
            payloadBytes += taken
            state = taken == remaining ? .complete : .length(remaining: remaining - taken)
            return Progress(consumed: Int(taken), isComplete: taken == remaining)
        case .chunked:
            return try advanceChunked(bytes)
        }
    }

    private mutating func advanceChunked(_ bytes: UnsafeRawBufferPointer) throws(HTTPFault) -> Progress {
        var offset = 0
        while true {
            switch try chunks.next(in: bytes, at: &offset) {
            case .payload(let range): try count(UInt64(range.count))
            case .needMore: return Progress(consumed: offset, isComplete: false)
            case .end:
                state = .complete
                return Progress(consumed: offset, isComplete: true)
            }
        }
    }

    private mutating func count(_ bytes: UInt64) throws(HTTPFault) {
        guard bytes <= payloadLimit - payloadBytes else { throw .bodyTooLarge }
        payloadBytes += bytes
    }
}
