// SPDX-License-Identifier: Apache-2.0

/// A W3C trace context: what the `traceparent` header carries (Trace Context Level 1, section 3.2).
///
/// Reading is strict, version 00 alone: exactly 55 characters, lower-case hex, neither id all zero. Anything else is no
/// trace context, and whoever reads it starts a trace of its own, as section 3.2.2 asks.
public struct TraceContext: Sendable, Hashable {
    /// The trace's 16 bytes, most significant first. Never all zero.
    public let traceID: TraceID
    /// The id of the span that sent this. Never zero.
    public let parentID: UInt64
    /// Whether the sender recorded it: bit 0 of the flags. The other bits are not defined; they are read and dropped.
    public let isSampled: Bool

    public struct TraceID: Sendable, Hashable, CustomStringConvertible {
        public let high: UInt64
        public let low: UInt64

        public init(high: UInt64, low: UInt64) {
            self.high = high
            self.low = low
        }

        /// 32 lower-case hex digits.
        public var description: String { TraceContext.hex(high) + TraceContext.hex(low) }
    }

    /// A new trace with random ids.
    public static func start(
        isSampled: Bool,
        using generator: inout some RandomNumberGenerator
    ) -> TraceContext {
        let high = generator.next()
        let low = UInt64.random(in: 1...UInt64.max, using: &generator)
        return TraceContext(
            traceID: TraceID(high: high, low: low),
            parentID: .random(in: 1...UInt64.max, using: &generator),
            isSampled: isSampled
        )
    }

    /// The same trace, as sent on by a span of ours.
    public func child(using generator: inout some RandomNumberGenerator) -> TraceContext {
        TraceContext(
            traceID: traceID,
            parentID: .random(in: 1...UInt64.max, using: &generator),
            isSampled: isSampled
        )
    }

    /// The value of a `traceparent` header.
    public var header: String {
        "00-\(traceID)-\(Self.hex(parentID))-\(isSampled ? "01" : "00")"
    }

    /// 16 lower-case hex digits, as ids of spans are written.
    public static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension TraceContext {
    /// Reads the value of a `traceparent` header; `nil` where it is not exactly one of version 00.
    public init?(header: String) {
        var header = header
        let context = header.withUTF8 { TraceContext(header: UnsafeRawBufferPointer($0)) }
        guard let context else { return nil }
        self = context
    }

    /// As ``init(header:)-(String)``, without allocating.
    public init?(header bytes: UnsafeRawBufferPointer) {
        let dash = UInt8(ascii: "-")
        guard bytes.count == 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            Self.number(bytes[0..<2]) == 0,
            let high = Self.number(bytes[3..<19]),
            let low = Self.number(bytes[19..<35]), high | low != 0,
            let parentID = Self.number(bytes[36..<52]), parentID != 0,
            let flags = Self.number(bytes[53..<55])
        else { return nil }
        self.init(traceID: TraceID(high: high, low: low), parentID: parentID, isSampled: flags & 1 == 1)
    }

    /// The value of at most 16 lower-case hex digits; `nil` for any other character.
    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> UInt64? {
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}
