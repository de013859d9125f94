// SPDX-License-Identifier: Apache-2.0

/// The `traceparent` of W3C Trace Context, level 1.
public struct TraceParent: Sendable, Hashable {
    public let traceHigh: UInt64
    public let traceLow: UInt64
    public let parent: UInt64
    public let flags: UInt8

    /// Length of the text that `write` gives.
    public static let textLength = 55
    /// Where the parent's 16 digits begin in it.
    static let parentOffset = 36
    /// The flag that says that the sender records the trace (section 3.2.2.5.1).
    static let sampled: UInt8 = 1

    var isSampled: Bool { flags & Self.sampled != 0 }

    /// A new trace of the given random bits, not sampled unless the flags say so. Identifiers that would be all zero, which
    /// are invalid, become 1.
    public init(traceHigh: UInt64, traceLow: UInt64, parent: UInt64, flags: UInt8 = 0) {
        self.traceHigh = traceHigh
        self.traceLow = traceHigh | traceLow == 0 ? 1 : traceLow
        self.parent = max(parent, 1)
        self.flags = flags
    }

    /// A new trace from three draws.
    public init(random: inout RandomSource) {
        self.init(traceHigh: random.next(), traceLow: random.next(), parent: random.next())
    }

    /// Parses a field value; nil if it is not valid. A version above `00` may carry more behind the flags.
    public init?(_ text: UnsafeRawBufferPointer) {
        guard text.count >= Self.textLength, text[2] == ASCII.dash, text[35] == ASCII.dash, text[52] == ASCII.dash,
            let version = Self.hex(text, from: 0, count: 2), version != 0xFF,
            let traceHigh = Self.hex(text, from: 3, count: 16), let traceLow = Self.hex(text, from: 19, count: 16),
            let parent = Self.hex(text, from: Self.parentOffset, count: 16),
            let flags = Self.hex(text, from: 53, count: 2),
            traceHigh | traceLow != 0, parent != 0
        else { return nil }
        if text.count > Self.textLength {
            guard version > 0, text[Self.textLength] == ASCII.dash else { return nil }
        }
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.parent = parent
        self.flags = UInt8(truncatingIfNeeded: flags)
    }

    /// The trace a request belongs to: from its one valid `traceparent`, else nil.
    public init?(of head: borrowing RequestHead, in bytes: UnsafeRawBufferPointer) {
        guard head.fields.count(of: .traceparent) == 1, let field = head.fields.first(.traceparent) else { return nil }
        self.init(bytes[field.value])
    }

    /// Writes the text, as version `00`.
    public func write(to writer: inout ByteWriter) {
        writer.append(count: Self.textLength) { target in
            func write(_ number: UInt64, at offset: Int) {
                let (high, low) = (UInt32(truncatingIfNeeded: number >> 32), UInt32(truncatingIfNeeded: number))
                target.storeBytes(of: ByteWords.hexDigits(of: high).bigEndian, toByteOffset: offset, as: UInt64.self)
                target.storeBytes(of: ByteWords.hexDigits(of: low).bigEndian, toByteOffset: offset + 8, as: UInt64.self)
            }
            target[0] = ASCII.zero
            target[1] = ASCII.zero
            target[2] = ASCII.dash
            write(traceHigh, at: 3)
            write(traceLow, at: 19)
            target[35] = ASCII.dash
            write(parent, at: Self.parentOffset)
            target[52] = ASCII.dash
            let flags = UInt16(truncatingIfNeeded: ByteWords.hexDigits(of: UInt32(flags)))
            target.storeBytes(of: flags.bigEndian, toByteOffset: 53, as: UInt16.self)
        }
    }

    /// Lower-case digits only, as the specification has it.
    private static func hex(_ text: UnsafeRawBufferPointer, from start: Int, count: Int) -> UInt64? {
        var number: UInt64 = 0
        for offset in start..<start + count {
            guard let value = ASCII.hexValue(text[offset]), !(0x41...0x46 ~= text[offset]) else { return nil }
            number = number << 4 | UInt64(value)
        }
        return number
    }
}
