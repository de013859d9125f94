// SPDX-License-Identifier: Apache-2.0

/// 256 bits that are written as 64 lower-case hexadecimal digits, in a fifth of the room that the text takes.
public struct HexDigest: Sendable, Hashable {
    /// The 32 bytes, most significant first.
    public let words: (UInt64, UInt64, UInt64, UInt64)

    public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// - Returns: `nil` for anything but 64 such digits.
    public init?(_ text: String) {
        var text = text
        let words = text.withUTF8 { digits -> (UInt64, UInt64, UInt64, UInt64)? in
            guard digits.count == 64, let first = Self.word(digits[..<16]), let second = Self.word(digits[16..<32]),
                let third = Self.word(digits[32..<48]), let fourth = Self.word(digits[48...])
            else { return nil }
            return (first, second, third, fourth)
        }
        guard let words else { return nil }
        self.words = words
    }

    private static func word(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> UInt64? {
        var (word, isWrong): (UInt64, Bool) = (0, false)
        for digit in digits {
            // Without a branch on what is random.
            let (decimal, letter) = (digit &- 0x30, digit &- 0x61)
            isWrong = isWrong || decimal > 9 && letter > 5
            word = word << 4 | UInt64(decimal <= 9 ? decimal : (letter &+ 10) & 0xF)
        }
        return isWrong ? nil : word
    }

    public var text: String {
        String(unsafeUninitializedCapacity: 64) { digits in
            func write(_ word: UInt64, at start: Int) {
                for place in 0..<16 {
                    let nibble = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * place)) & 0xF
                    digits[start + place] = nibble < 10 ? 0x30 + nibble : 0x61 + nibble - 10
                }
            }
            write(words.0, at: 0)
            write(words.1, at: 16)
            write(words.2, at: 32)
            write(words.3, at: 48)
            return 64
        }
    }

    public static func == (a: HexDigest, b: HexDigest) -> Bool { a.words == b.words }
    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
