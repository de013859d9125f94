// SPDX-License-Identifier: Apache-2.0

/// A fast keyed hash of short byte strings, by folded 64-bit multiplication. With a seed that nobody outside knows,
/// neither requests nor patterns can be made to collide on purpose by trial.
struct ByteHash: Sendable {
    private let seed: UInt64

    init(seed: UInt64) { self.seed = seed }

    /// - Parameters:
    ///   - scope: a number that is part of the key.
    ///   - foldingCase: take ASCII letters as if in lower case.
    @inline(__always)
    func hash(_ bytes: UnsafeRawBufferPointer, scope: UInt32, foldingCase: Bool) -> UInt64 {
        var hash = Self.fold(seed ^ UInt64(scope), 0xA076_1D64_78BD_642F)
        var offset = 0
        while offset + 8 < bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            hash = Self.fold(hash ^ (foldingCase ? ByteWords.lowercased(word) : word), 0xE703_7ED1_A0B4_28DB)
            offset += 8
        }
        let tail = foldingCase ? ByteWords.lowercased(Self.tail(bytes)) : Self.tail(bytes)
        return Self.fold(hash ^ tail, UInt64(truncatingIfNeeded: bytes.count) ^ 0x8EBC_6AF0_9C88_C6E3)
    }

    /// The last eight bytes, some of them twice where there are fewer than eight.
    @inline(__always)
    private static func tail(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let count = bytes.count
        if count >= 8 { return bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self) }
        if count >= 4 {
            let first = bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
            return UInt64(first) << 32 | UInt64(bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
        }
        guard count > 0 else { return 0 }
        return UInt64(bytes[0]) << 16 | UInt64(bytes[count / 2]) << 8 | UInt64(bytes[count - 1])
    }

    @inline(__always)
    static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
