// SPDX-License-Identifier: Apache-2.0

/// CRC-32 as Ethernet, zlib and PNG use it (polynomial 0xEDB88320, reflected).
///
/// It finds every error that lies within 32 adjacent bits, hence every wrong character and every swap of neighbours.
/// It tells a typo from a secret; it proves nothing to anybody who means harm.
enum CRC32 {
    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var remainder = UInt32.max
        for byte in bytes {
            remainder = table[Int(UInt8(truncatingIfNeeded: remainder) ^ byte)] ^ (remainder >> 8)
        }
        return ~remainder
    }

    /// The remainder of each byte, worked out once.
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { remainder, _ in
            remainder & 1 == 1 ? 0xEDB8_8320 ^ (remainder >> 1) : remainder >> 1
        }
    }
}
