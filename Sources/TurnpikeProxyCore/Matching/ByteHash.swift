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
        while offset + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            hash = Self.fold(hash ^ (foldingCase ? Self.lowercased(word) : word), 0xE703_7ED1_A0B4_28DB)
            offset += 8
        }
        var tail: UInt64 = 0
        while offset < bytes.count {
            tail = tail << 8 | UInt64(foldingCase ? ASCII.lowercased(bytes[offset]) : bytes[offset])
            offset += 1
        }
        return Self.fold(hash ^ tail, UInt64(truncatingIfNeeded: bytes.count) ^ 0x8EBC_6AF0_9C88_C6E3)
    }

    @inline(__always)
    static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// Eight bytes at once: adds 0x20 to those between `A` and `Z`.
    @inline(__always)
    private static func lowercased(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let low7 = word & (ones &* 0x7F)
        let fromA = low7 &+ ones &* (0x80 - 0x41)
        let aboveZ = low7 &+ ones &* (0x7F - 0x5A)
        return word | ((fromA ^ aboveZ) & ~word & (ones &* 0x80)) >> 2
    }
}
