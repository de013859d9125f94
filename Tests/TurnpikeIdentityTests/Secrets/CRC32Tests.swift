// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeIdentity

@Suite struct CRC32Tests {
    @Test(
        arguments: [
            ("", 0x0000_0000),
            ("a", 0xE8B7_BE43),
            ("abc", 0x3524_41C2),
            ("123456789", 0xCBF4_3926),
            ("The quick brown fox jumps over the lazy dog", 0x414F_A339),
        ] as [(String, UInt32)])
    func `checksums agree with published ones`(text: String, expected: UInt32) {
        #expect(CRC32.checksum(text.utf8) == expected)
    }
}
