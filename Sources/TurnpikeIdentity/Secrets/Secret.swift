// SPDX-License-Identifier: Apache-2.0

public import TurnpikeSnapshot

/// A secret that the control plane makes and shows once: an API key, a token, a worker's credential.
///
/// ## Form
/// `<prefix>_<30 random base62 digits><6 base62 digits of checksum>`, as in `tp_live_…` (44 characters) or
/// `tp_op_…` (42). The random part holds 30 × log2(62) ≈ 178 bits. The checksum is the CRC-32 of all that comes before
/// it, most significant digit first, so that a mistyped, cut or made-up secret is refused by arithmetic alone, before
/// any look-up, and a scanner of public code can tell a real one from a likeness.
///
/// ## Why SHA-256 alone, without salt or stretching
/// Secrets are kept as their SHA-256 digests. Passwords need more: people choose them from a small set, so whoever
/// steals the digests guesses them, and a salt (one guess serves for one user only) and a slow function (each guess
/// costs) make the guessing dear. These secrets are drawn evenly from 2^178. Guessing one from its digest takes some
/// 2^177 hashes; a machine doing 2^70 a second would need 2^82 years. Against that a salt adds nothing, for no two
/// secrets are alike and no table of them can be built; stretching by 2^20 would add 20 bits that nobody needs. Both
/// would cost where it hurts: a salt turns one look-up by digest into a trial of every key, and stretching turns a
/// microsecond at the gateway into a tenth of a second, on the word of a caller not yet known.
///
/// A digest serves as a look-up key without telling by its timing: whoever probes the table cannot choose digests, only
/// secrets, and a near miss in one says nothing about the other. ``TurnpikeSnapshot/KeyDigest`` compares in constant
/// time all the same.
///
/// A value of this type is well-formed, which does not mean that anybody knows it. Printing it shows its ``hint``.
public struct Secret: Sendable {
    /// How many random digits a secret holds.
    public static let randomLength = 30
    /// How many digits its checksum has: six, for 62^5 < 2^32 < 62^6.
    public static let checksumLength = 6

    public let kind: SecretKind
    /// The whole secret. Show it once, at creation; keep its ``digest``.
    public let text: String

    /// A new secret. Its worth is the generator's: use the system's, the default of ``generate(_:)``, except in tests.
    public static func generate(_ kind: SecretKind, using generator: inout some RandomNumberGenerator) -> Secret {
        var bytes = Array(kind.rawValue.utf8)
        bytes.append(separator)
        bytes += Base62.random(randomLength, using: &generator)
        bytes += checksumDigits(CRC32.checksum(bytes))
        return Secret(kind: kind, text: String(decoding: bytes, as: UTF8.self))
    }

    /// A new secret from the operating system's random numbers.
    public static func generate(_ kind: SecretKind) -> Secret {
        var generator = SystemRandomNumberGenerator()
        return generate(kind, using: &generator)
    }

    /// What is kept of the secret.
    public var digest: KeyDigest { .sha256(of: text) }

    /// The prefix and the first four random digits, as in `tp_live_4fGh`: enough for people to tell their secrets
    /// apart, and 154 bits short of using one.
    public var hint: String {
        String(text.prefix(kind.rawValue.count + 1 + 4))
    }
}

extension Secret {
    /// Takes a secret that somebody presents; `nil` unless its shape and checksum are right.
    public init?(_ text: String) {
        guard let kind = Secret.parse(text) else { return nil }
        self.init(kind: kind, text: text)
    }

    /// What kind of secret `text` is; `nil` unless its shape and checksum are right.
    public static func parse(_ text: String) -> SecretKind? {
        var text = text
        return text.withUTF8 { parse(UnsafeRawBufferPointer($0)) }
    }

    /// As ``parse(_:)-(String)``, over bytes and without allocating.
    public static func parse(_ bytes: UnsafeRawBufferPointer) -> SecretKind? {
        SecretKind.allCases.first { isWellFormed(bytes, as: $0) }
    }

    /// Whether `bytes` are as long as a secret of this kind and begin as one. A gateway asks this of every request before it
    /// hashes anything; there, where looking a digest up costs less than a checksum, that is all it asks. Does not allocate.
    public static func isLike(_ bytes: UnsafeRawBufferPointer, _ kind: SecretKind) -> Bool {
        guard bytes.count == kind.length else { return false }
        var position = 0
        for byte in kind.rawValue.utf8 {
            guard bytes[position] == byte else { return false }
            position += 1
        }
        return bytes[position] == separator
    }

    /// Whether `bytes` have the shape and the checksum of a secret of this kind. Does not allocate.
    public static func isWellFormed(_ bytes: UnsafeRawBufferPointer, as kind: SecretKind) -> Bool {
        guard isLike(bytes, kind) else { return false }
        let position = kind.rawValue.utf8.count
        let checksumStart = bytes.count - checksumLength
        for index in (position + 1)..<checksumStart {
            guard Base62.isDigit(bytes[index]) else { return false }
        }
        return endsWithChecksum(bytes, of: CRC32.checksum(bytes[..<checksumStart]))
    }

    /// As ``isWellFormed(_:as:)-(UnsafeRawBufferPointer,_)``, over a span.
    public static func isWellFormed(_ bytes: Span<UInt8>, as kind: SecretKind) -> Bool {
        bytes.withUnsafeBytes { isWellFormed($0, as: kind) }
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The ``hint`` and an ellipsis, for a secret must not get into a log by being printed.
    public var description: String { hint + "…" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension Secret {
    private static let separator = UInt8(ascii: "_")

    private static func checksumDigits(_ checksum: UInt32) -> [UInt8] {
        var digits: [UInt8] = []
        var rest = checksum
        for _ in 0..<checksumLength {
            digits.append(Base62.digit(UInt8(rest % 62)))
            rest /= 62
        }
        return digits.reversed()
    }

    private static func endsWithChecksum(_ bytes: UnsafeRawBufferPointer, of checksum: UInt32) -> Bool {
        var rest = checksum
        for position in 1...checksumLength {
            guard bytes[bytes.count - position] == Base62.digit(UInt8(rest % 62)) else { return false }
            rest /= 62
        }
        return true
    }
}
