// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// The SHA-256 of a secret. Workers know keys by their digests only.
///
/// A digest is uniform already, so hashing one of its words is enough for a table.
public struct KeyDigest: Sendable, Hashable {
    /// The 32 bytes, most significant first.
    public let words: (UInt64, UInt64, UInt64, UInt64)

    public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// Reads 64 lower-case hexadecimal digits.
    public init?(hex: String) {
        guard let digest = HexDigest(hex) else { return nil }
        words = digest.words
    }

    public var hex: String { HexDigest(words: words).text }

    /// Compares all words whatever they hold, so that the time taken tells nothing.
    public static func == (a: KeyDigest, b: KeyDigest) -> Bool {
        (a.words.0 ^ b.words.0) | (a.words.1 ^ b.words.1) | (a.words.2 ^ b.words.2) | (a.words.3 ^ b.words.3) == 0
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
