// SPDX-License-Identifier: Apache-2.0

/// Digits `0-9A-Za-z`: what a double click selects as one word, and no encoding of a URL or header touches.
enum Base62 {
    /// The digit for six random bits, or none for the two of 64 values that have no digit of their own.
    ///
    /// Each digit comes from exactly one value, so drawing until there is one favours none of them; taking six bits
    /// modulo 62 would give two digits twice the chance.
    static func digit(sixBits: UInt8) -> UInt8? {
        sixBits < 62 ? digit(sixBits) : nil
    }

    /// `count` digits, each equally likely.
    static func random(_ count: Int, using generator: inout some RandomNumberGenerator) -> [UInt8] {
        var digits: [UInt8] = []
        digits.reserveCapacity(count)
        while digits.count < count {
            var bits: UInt64 = generator.next()
            for _ in 0..<10 where digits.count < count {
                if let digit = digit(sixBits: UInt8(truncatingIfNeeded: bits & 63)) { digits.append(digit) }
                bits >>= 6
            }
        }
        return digits
    }

    /// The digit of a value below 62.
    static func digit(_ value: UInt8) -> UInt8 {
        switch value {
        case 0..<10: UInt8(ascii: "0") + value
        case 10..<36: UInt8(ascii: "A") + (value - 10)
        default: UInt8(ascii: "a") + (value - 36)
        }
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}
