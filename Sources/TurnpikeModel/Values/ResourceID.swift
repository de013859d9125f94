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
        var bytes: [UInt8] = Array(prefix.utf8)
        bytes.append(UInt8(ascii: "_"))
        for index in 0..<26 {
            let shift = 125 - 5 * index
            bytes.append(alphabet[Int(bits(from: shift) & 31)])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    public init?(text: some StringProtocol, prefix: String) {
        let bytes = Array(text.utf8)
        let start = prefix.utf8.count + 1
        guard bytes.count == start + 26, bytes[start - 1] == UInt8(ascii: "_"), bytes.starts(with: prefix.utf8) else {
            return nil
        }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for (index, byte) in bytes[start...].enumerated() {
            guard let digit = alphabet.firstIndex(of: byte), index > 0 || digit < 8 else { return nil }
            high = high << 5 | low >> 59
            low = low << 5 | UInt64(digit)
        }
        self.init(high: high, low: low)
    }

    private func bits(from shift: Int) -> UInt64 {
        if shift >= 64 { return high >> (shift - 64) }
        return shift == 0 ? low : low >> shift | high << (64 - shift)
    }
}

private let alphabet: [UInt8] = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
