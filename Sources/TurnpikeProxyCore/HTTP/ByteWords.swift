// SPDX-License-Identifier: Apache-2.0

/// Eight bytes of text at once, as one word: what the hot path does to bytes one by one would cost it most.
enum ByteWords {
    static var ones: UInt64 { 0x0101_0101_0101_0101 }
    static var tops: UInt64 { 0x8080_8080_8080_8080 }

    /// `": "` and CRLF, as they lie in memory.
    static var colonSpace: UInt16 { UInt16(littleEndian: 0x203A) }
    static var lineEnd: UInt16 { UInt16(littleEndian: 0x0A0D) }

    /// Adds 0x20 to the bytes between `A` and `Z`.
    @inline(__always)
    static func lowercased(_ word: UInt64) -> UInt64 {
        let low7 = word & (ones &* 0x7F)
        let fromA = low7 &+ ones &* (0x80 - 0x41)
        let aboveZ = low7 &+ ones &* (0x7F - 0x5A)
        return word | ((fromA ^ aboveZ) & ~word & tops) >> 2
    }

    /// False only if no byte is below 0x20 and none is DEL. Borrows between bytes can only turn the answer to true, never to
    /// false.
    @inline(__always)
    static func mayHaveControl(_ word: UInt64) -> Bool {
        let belowSpace = (word &- ones &* 0x20) & ~word & tops
        let del = word ^ (ones &* 0x7F)
        return belowSpace | ((del &- ones) & ~del & tops) != 0
    }

    /// Whether one of the bytes is this one.
    @inline(__always)
    static func has(_ byte: UInt8, in word: UInt64) -> Bool {
        let difference = word ^ (ones &* UInt64(byte))
        return (difference &- ones) & ~difference & tops != 0
    }

    /// The top bits of the bytes that are letters or `-`, which is what nearly all field names are made of.
    @inline(__always)
    static func lettersAndDashes(_ word: UInt64) -> UInt64 {
        let low7 = (word | ones &* 0x20) & (ones &* 0x7F)
        let fromA = low7 &+ ones &* (0x80 - 0x61)
        let aboveZ = low7 &+ ones &* (0x7F - 0x7A)
        let undashed = word ^ (ones &* 0x2D)
        let isOther = ((undashed & (ones &* 0x7F)) &+ ones &* 0x7F) | undashed
        return ((fromA ^ aboveZ) & ~word | ~isOther) & tops
    }

    /// True only if every byte may stand in a request target (``ASCII/isTarget(_:)``). Borrows between bytes can only turn the
    /// answer to false, never to true.
    @inline(__always)
    static func isTarget(_ word: UInt64) -> Bool {
        let belowVisible = word &- ones &* 0x21
        let del = (word ^ (ones &* 0x7F)) &- ones
        let hash = (word ^ (ones &* 0x23)) &- ones
        return (belowVisible | del | hash | word) & tops == 0
    }

    /// A literal of eight bytes, as it lies in memory.
    @inline(__always)
    static func word(_ text: StaticString) -> UInt64 {
        UnsafeRawPointer(text.utf8Start).loadUnaligned(as: UInt64.self)
    }

    /// The eight hexadecimal digits of a number in lower case, the first one in the most significant byte.
    @inline(__always)
    static func hexDigits(of number: UInt32) -> UInt64 {
        // One digit a byte, by halves.
        var digits = UInt64(number)
        digits = (digits | digits << 16) & 0x0000_FFFF_0000_FFFF
        digits = (digits | digits << 8) & 0x00FF_00FF_00FF_00FF
        digits = (digits | digits << 4) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = (digits &+ ones &* 6) >> 4 & ones
        return digits &+ ones &* 0x30 &+ letters &* 0x27
    }

    /// Whether both name the same bytes, but for the case of ASCII letters.
    @inline(__always)
    static func areEqualIgnoringCase(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, count: Int) -> Bool {
        // In bounds: each load ends at `count` at the latest.
        guard count >= 8 else {
            for offset in 0..<count {
                let one = left.load(fromByteOffset: offset, as: UInt8.self)
                let other = right.load(fromByteOffset: offset, as: UInt8.self)
                if one != other, ASCII.lowercased(one) != ASCII.lowercased(other) { return false }
            }
            return true
        }
        var offset = 0
        while true {
            let one = left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let other = right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if one != other, lowercased(one) != lowercased(other) { return false }
            if offset + 8 == count { return true }
            // The last word overlaps the one before.
            offset = min(offset + 8, count - 8)
        }
    }
}
