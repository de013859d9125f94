// SPDX-License-Identifier: Apache-2.0

/// An IP address as bits: an IPv4 address in the lowest 32.
public struct IPAddress: Sendable, Hashable {
    public enum Family: UInt8, Sendable {
        case v4, v6

        /// Bits of an address.
        public var width: Int { self == .v4 ? 32 : 128 }
    }

    public let family: Family
    public let high: UInt64
    public let low: UInt64

    public init(_ family: Family, high: UInt64, low: UInt64) {
        self.family = family
        self.high = high
        self.low = low
    }

    /// The IPv4 address that `::ffff:192.0.2.7` stands for (RFC 4291 §2.5.5.2); any other address is itself.
    public var unmapped: IPAddress {
        guard family == .v6, high == 0, low >> 32 == 0xFFFF else { return self }
        return IPAddress(.v4, high: 0, low: low & 0xFFFF_FFFF)
    }
}

// MARK: - From text

extension IPAddress {
    /// Reads `192.0.2.7` or, by RFC 4291 §2.2 without a zone, `2001:db8::7`.
    public init?(_ text: some StringProtocol) {
        var text = String(text)
        guard let address = text.withUTF8({ IPAddress(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = address
    }

    /// The same of UTF-8, without an allocation. Looks at 46 bytes at most.
    public init?(_ text: UnsafeRawBufferPointer) {
        if let bits = IPAddress.dotted(text, from: 0) {
            self.init(.v4, high: 0, low: UInt64(bits))
        } else if let bits = IPAddress.groups(text) {
            self.init(.v6, high: UInt64(bits >> 64), low: UInt64(truncatingIfNeeded: bits))
        } else {
            return nil
        }
    }

    /// Four numbers up to 255, without leading zeros: some take those for octal.
    private static func dotted(_ text: UnsafeRawBufferPointer, from start: Int) -> UInt32? {
        var (bits, number): (UInt32, UInt32) = (0, 0)
        var (dots, digits) = (0, 0)
        for offset in start..<text.count {
            let byte = text[offset]
            if byte == UInt8(ascii: ".") {
                guard digits > 0, dots < 3 else { return nil }
                (bits, number) = (bits << 8 | number, 0)
                (dots, digits) = (dots + 1, 0)
            } else {
                guard byte &- UInt8(ascii: "0") < 10, digits == 0 || number > 0 else { return nil }
                number = number * 10 + UInt32(byte - UInt8(ascii: "0"))
                guard number < 256 else { return nil }
                digits += 1
            }
        }
        return dots == 3 && digits > 0 ? bits << 8 | number : nil
    }

    /// Eight groups of one to four hexadecimal digits, of which `::` may stand once for one or more that are zero; an IPv4
    /// address may stand for the last two.
    private static func groups(_ text: UnsafeRawBufferPointer) -> UInt128? {
        // What stands before `::`, once that was seen.
        var head: (bits: UInt128, count: Int)?
        var (bits, count, offset): (UInt128, Int, Int) = (0, 0, 0)
        if text.count >= 2, text[0] == UInt8(ascii: ":"), text[1] == UInt8(ascii: ":") {
            (head, offset) = ((0, 0), 2)
        }
        while offset < text.count {
            let (group, end) = hexadecimal(text, from: offset)
            guard let group else { return nil }
            if end < text.count, text[end] == UInt8(ascii: ".") {
                guard let last = dotted(text, from: offset) else { return nil }
                (bits, count) = (bits << 32 | UInt128(last), count + 2)
                break
            }
            (bits, count, offset) = (bits << 16 | UInt128(group), count + 1, end + 1)
            if end == text.count { break }
            guard text[end] == UInt8(ascii: ":"), offset < text.count, count < 8 else { return nil }
            guard text[offset] == UInt8(ascii: ":") else { continue }
            guard head == nil else { return nil }
            (head, bits, count, offset) = ((bits, count), 0, 0, offset + 1)
        }
        guard let head else { return count == 8 ? bits : nil }
        return head.count + count <= 7 ? head.bits << UInt128(16 * (8 - head.count)) | bits : nil
    }

    /// The number that one to four digits spell, and where they end; nil where there is none.
    private static func hexadecimal(_ text: UnsafeRawBufferPointer, from start: Int) -> (UInt16?, end: Int) {
        var (number, offset): (UInt16, Int) = (0, start)
        while offset < min(text.count, start + 4), let digit = hexadecimalDigit(text[offset]) {
            number = number << 4 | UInt16(digit)
            offset += 1
        }
        return (offset > start ? number : nil, offset)
    }

    private static func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
        let (digit, letter) = (byte &- UInt8(ascii: "0"), (byte | 0x20) &- UInt8(ascii: "a"))
        return digit < 10 ? digit : letter < 6 ? letter + 10 : nil
    }
}
