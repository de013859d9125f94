// SPDX-License-Identifier: Apache-2.0

/// 128 bits that name one resource for good: 48 bits of milliseconds and 80 random bits (a ULID), so that ids sort by
/// time of creation. Written with its kind's prefix in Crockford's base 32: `key_01J8…`.
public struct ResourceID: Sendable, Hashable, Comparable {
    public var high: UInt64
    public var low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static func generate(at now: Timestamp, using random: inout some RandomNumberGenerator) -> ResourceID {
        ResourceID(
            high: UInt64(now.milliseconds) << 16 | UInt64(UInt16.random(in: .min ... .max, using: &random)),
            low: UInt64.random(in: .min ... .max, using: &random)
        )
    }

    /// The low half is random, and enough.
    public func hash(into hasher: inout Hasher) { hasher.combine(low) }

    public static func < (a: ResourceID, b: ResourceID) -> Bool { (a.high, a.low) < (b.high, b.low) }

    /// Stands for "none" where a fixed-size record needs a value.
    public static let zero = ResourceID(high: 0, low: 0)

    /// The id as text, `prefix_` and 26 characters.
    public func text(prefix: String) -> String {
        String(unsafeUninitializedCapacity: prefix.utf8.count + 27) { bytes in
            var end = 0
            for byte in prefix.utf8 {
                bytes[end] = byte
                end += 1
            }
            bytes[end] = UInt8(ascii: "_")
            for index in 0..<26 { bytes[end + 1 + index] = digits[Int(bits(from: 125 - 5 * index) & 31)] }
            return end + 27
        }
    }

    public init?(text: some StringProtocol, prefix: String) {
        var text = String(text)
        guard let id = text.withUTF8({ ResourceID($0, prefix: prefix) }) else { return nil }
        self = id
    }

    private init?(_ bytes: UnsafeBufferPointer<UInt8>, prefix: String) {
        let start = prefix.utf8.count + 1
        guard bytes.count == start + 26, bytes.starts(with: prefix.utf8), bytes[start - 1] == UInt8(ascii: "_"),
            // 26 digits hold 130 bits; the first of them has but three.
            values[Int(bytes[start])] < 8
        else { return nil }
        var (high, low): (UInt64, UInt64) = (0, 0)
        for byte in bytes[start...] {
            let value = values[Int(byte)]
            guard value < 32 else { return nil }
            high = high << 5 | low >> 59
            low = low << 5 | UInt64(value)
        }
        self.init(high: high, low: low)
    }

    private func bits(from shift: Int) -> UInt64 {
        if shift >= 64 { return high >> (shift - 64) }
        return shift == 0 ? low : low >> shift | high << (64 - shift)
    }
}

private let digits: [UInt8] = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

/// What each byte stands for as a digit; 255: nothing.
private let values: [UInt8] = (UInt8.min...UInt8.max).map { byte in digits.firstIndex(of: byte).map { UInt8($0) } ?? 255
}
