// SPDX-License-Identifier: Apache-2.0

/// What a resource may be called: 1 to 63 of `A-Z a-z 0-9 . _ -`, a letter or digit at both ends, and not of the shape
/// of an id, since a name and an id stand in the same place of a path.
public enum Name {
    public static let rule =
        "must be 1 to 63 characters of A-Z, a-z, 0-9, '.', '_' and '-', start and end with a letter or digit, and not look like an id"

    public static func isValid(_ name: String) -> Bool {
        let bytes = name.utf8
        guard (1...63).contains(bytes.count), let first = bytes.first, let last = bytes.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
            }
            && !looksLikeID(name)
    }

    /// A short prefix, an underscore and 26 characters.
    public static func looksLikeID(_ name: String) -> Bool {
        guard let underscore = name.utf8.firstIndex(of: UInt8(ascii: "_")) else { return false }
        return name.utf8.distance(from: underscore, to: name.utf8.endIndex) == 27
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
