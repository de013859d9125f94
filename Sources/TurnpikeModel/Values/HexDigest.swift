// SPDX-License-Identifier: Apache-2.0

/// 256 bits that are written as 64 lower-case hexadecimal digits, in a fifth of the room that the text takes.
struct HexDigest: Sendable, Hashable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// - Returns: `nil` for anything but 64 such digits.
    init?(_ text: String) {
        let digits = text.utf8
        guard digits.count == 64 else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (index, digit) in digits.enumerated() {
            let value: UInt8
            switch digit {
            case 0x30...0x39: value = digit - 0x30
            case 0x61...0x66: value = digit - 0x61 + 10
            default: return nil
            }
            words[index / 16] = words[index / 16] << 4 | UInt64(value)
        }
        self.words = (words[0], words[1], words[2], words[3])
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
