// SPDX-License-Identifier: Apache-2.0

/// CRC-32 (polynomial 0xEDB88320, reflected), taken piece by piece. It tells damage from data; it proves nothing to
/// anybody who means harm.
struct CRC32 {
    private var remainder = UInt32.max

    var checksum: UInt32 { ~remainder }

    mutating func take(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { take(byte) }
    }

    /// Takes the eight bytes of a word, least significant first.
    mutating func take(_ word: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { take(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
    }

    private mutating func take(_ byte: UInt8) {
        remainder = CRC32.table[Int(UInt8(truncatingIfNeeded: remainder) ^ byte)] ^ (remainder >> 8)
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { remainder, _ in
            remainder & 1 == 1 ? 0xEDB8_8320 ^ (remainder >> 1) : remainder >> 1
        }
    }
}
