// SPDX-License-Identifier: Apache-2.0

/// Bounds on what chunked content may carry besides its payload.
public struct ChunkLimits: Sendable, Hashable {
    /// Bytes of extensions on one chunk's size line. Default 256.
    public let extensionBytes: Int
    /// Bytes of extensions in one message, so that they cannot outweigh the payload unnoticed. Default 4 KiB.
    public let totalExtensionBytes: Int
    /// Bytes of the trailer section. Default 8 KiB.
    public let trailerBytes: Int

    public init(extensionBytes: Int = 256, totalExtensionBytes: Int = 4 << 10, trailerBytes: Int = 8 << 10) {
        self.extensionBytes = max(extensionBytes, 0)
        self.totalExtensionBytes = max(totalExtensionBytes, 0)
        self.trailerBytes = max(trailerBytes, 0)
    }
}

/// Decodes chunked transfer coding (RFC 9112 §7.1) from bytes that come in any pieces.
///
/// Sizes have 1 to 16 hexadecimal digits and nothing around them. Extensions are skipped, visible text only and
/// bounded. Every line ends in CRLF. Trailer fields are checked like header fields, bounded, and dropped unless they are
/// asked for; those that would change framing, routing or authentication are refused (RFC 9110 §6.5.1). Allocates only
/// where there are trailers.
public struct ChunkDecoder: Sendable {
    /// What the next step through the bytes gave.
    public enum Event: Sendable, Hashable {
        /// All bytes are used up and the content goes on.
        case needMore
        /// Payload at these offsets of the given bytes.
        case payload(ByteRange)
        /// The content is over; the offset stands behind its last byte.
        case end
    }

    private enum State: Sendable {
        case size(digits: UInt8)
        case chunkExtension(length: Int)
        case sizeLineFeed
        case data
        case dataCarriageReturn
        case dataLineFeed
        case trailer
        case trailerLineFeed
        case end
    }

    public let limits: ChunkLimits
    private var state = State.size(digits: 0)
    private var remaining: UInt64 = 0
    private var extensionTotal = 0
    private var trailerTotal = 0
    private var trailerLine: [UInt8] = []
    private let keepsTrailers: Bool
    /// The trailer fields that were read so far, where they are kept.
    private(set) var trailers: [(name: String, value: String)] = []

    public init(limits: ChunkLimits = ChunkLimits()) { self.init(limits: limits, keepsTrailers: false) }

    init(limits: ChunkLimits = ChunkLimits(), keepsTrailers: Bool) {
        self.limits = limits
        self.keepsTrailers = keepsTrailers
    }

    public var isAtEnd: Bool { if case .end = state { true } else { false } }

    /// Goes on at `offset`, which it moves behind what it has used.
    ///
    /// - Throws: the fault that makes the rest of the connection unreadable.
    public mutating func next(
        in bytes: UnsafeRawBufferPointer, at offset: inout Int
    ) throws(HTTPFault) -> Event {
        while true {
            switch state {
            case .end:
                return .end
            case .data:
                guard offset < bytes.count else { return .needMore }
                let length = Int(min(remaining, UInt64(bytes.count - offset)))
                let payload = ByteRange(offset, offset + length)
                offset += length
                remaining -= UInt64(length)
                if remaining == 0 { state = .dataCarriageReturn }
                return .payload(payload)
            default:
                guard offset < bytes.count else { return .needMore }
                try take(bytes[offset])
                offset += 1
            }
        }
    }

    /// One byte of the framing.
    private mutating func take(_ byte: UInt8) throws(HTTPFault) {
        switch state {
        case .size(let digits): try takeSize(byte, digits: digits)
        case .chunkExtension(let length): try takeExtension(byte, length: length)
        case .sizeLineFeed:
            guard byte == ASCII.lf else { throw .badChunkSize }
            state = remaining == 0 ? .trailer : .data
        case .dataCarriageReturn:
            guard byte == ASCII.cr else { throw .badChunkEnd }
            state = .dataLineFeed
        case .dataLineFeed:
            guard byte == ASCII.lf else { throw .badChunkEnd }
            state = .size(digits: 0)
        case .trailer: try takeTrailer(byte)
        case .trailerLineFeed:
            guard byte == ASCII.lf else { throw .badTrailer }
            try endTrailerLine()
        case .data, .end: break
        }
    }

    private mutating func takeSize(_ byte: UInt8, digits: UInt8) throws(HTTPFault) {
        if let value = ASCII.hexValue(byte) {
            guard digits < 16 else { throw .badChunkSize }
            remaining = remaining << 4 | UInt64(value)
            // Peers with signed 64-bit sizes must not read another number than we do.
            guard remaining <= UInt64(Int64.max) else { throw .chunkTooLarge }
            state = .size(digits: digits + 1)
        } else if digits > 0, byte == ASCII.cr {
            state = .sizeLineFeed
        } else if digits > 0, byte == ASCII.semicolon {
            state = .chunkExtension(length: 0)
        } else {
            throw .badChunkSize
        }
    }

    private mutating func takeExtension(_ byte: UInt8, length: Int) throws(HTTPFault) {
        if byte == ASCII.cr {
            guard length > 0 else { throw .badChunkExtension }
            state = .sizeLineFeed
            return
        }
        guard !ASCII.isControl(byte), byte < 0x80 else { throw .badChunkExtension }
        extensionTotal += 1
        guard length < limits.extensionBytes, extensionTotal <= limits.totalExtensionBytes else {
            throw .chunkExtensionTooLong
        }
        state = .chunkExtension(length: length + 1)
    }

    private mutating func takeTrailer(_ byte: UInt8) throws(HTTPFault) {
        if byte == ASCII.cr {
            state = .trailerLineFeed
            return
        }
        guard byte != ASCII.lf else { throw .bareLineFeed }
        trailerTotal += 1
        guard trailerTotal <= limits.trailerBytes else { throw .trailersTooLarge }
        trailerLine.append(byte)
    }

    private mutating func endTrailerLine() throws(HTTPFault) {
        guard !trailerLine.isEmpty else {
            state = .end
            return
        }
        let field = trailerLine.withUnsafeBytes { line in
            // A line that cannot be parsed is a bad trailer, for whichever reason.
            try? FieldLine.parse(line, from: 0, to: line.count)
        }
        guard let field else { throw .badTrailer }
        guard field.known == .other || field.known == .date else { throw .forbiddenTrailer }
        if keepsTrailers {
            trailerLine.withUnsafeBytes { trailers.append(($0.lowercasedText(field.name), $0.text(field.value))) }
        }
        trailerLine.removeAll(keepingCapacity: true)
        state = .trailer
    }
}
