// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeIdentity

@Suite struct Base62Tests {
    @Test func `each digit comes from exactly one value of six bits`() {
        let digits = (0..<64 as Range<UInt8>).compactMap { Base62.digit(sixBits: $0) }
        #expect(digits.count == 62)
        #expect(Set(digits).count == 62)
        #expect(digits.allSatisfy(Base62.isDigit))
    }

    @Test func `only letters and digits of ASCII are digits`() {
        let accepted = (0...255 as ClosedRange<UInt8>).filter(Base62.isDigit)
        let expected = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        #expect(String(decoding: accepted, as: UTF8.self) == expected)
    }

    @Test func `a value without a digit is drawn again, not folded`() {
        // Each number is ten times the six bits 63, which has no digit, except for the last: ten times 1.
        var generator = ScriptedGenerator(numbers: [UInt64.max, UInt64.max, 0x0041_0410_4104_1041])
        #expect(String(decoding: Base62.random(5, using: &generator), as: UTF8.self) == "11111")
        #expect(generator.numbers.isEmpty)
    }
}

/// Gives the numbers it was given, in order, then zero.
private struct ScriptedGenerator: RandomNumberGenerator {
    var numbers: [UInt64]

    mutating func next() -> UInt64 {
        numbers.isEmpty ? 0 : numbers.removeFirst()
    }
}
