// SPDX-License-Identifier: Apache-2.0

/// 256 bits that are written as 64 lower-case hexadecimal digits, in a fifth of the room that the text takes.
struct HexDigest: Sendable, Hashable {
    let words: (UInt64, UInt64, UInt64, UInt64)

    /// - Returns: `nil` for anything but 64 such digits.
    init?(_ text: String) {
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
        var word: UInt64 = 0
        for digit in digits {
            switch digit {
            case 0x30...0x39: word = word << 4 | UInt64(digit - 0x30)
            case 0x61...0x66: word = word << 4 | UInt64(digit - 0x61 + 10)
            default: return nil
            }
        }
        return word
    }

    var text: String {
        [words.0, words.1, words.2, words.3].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    static func == (a: HexDigest, b: HexDigest) -> Bool { a.words == b.words }
    func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
