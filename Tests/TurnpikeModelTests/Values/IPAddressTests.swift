// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("::ffff:192.0.2.7", "192.0.2.7"), ("::FFFF:c000:207", "192.0.2.7"), ("192.0.2.7", "192.0.2.7"),
        ("::192.0.2.7", "::c000:207"), ("1::ffff:192.0.2.7", "1::ffff:c000:207"),
    ])
    func `an IPv4 address that comes in IPv6 is the same address`(text: String, unmapped: String) throws {
        #expect(try #require(IPAddress(text)).unmapped == IPAddress(unmapped))
    }

    @Test func `an address is found in any text of the same bytes`() {
        #expect(IPAddress("at 192.0.2.7".dropFirst(3)) == IPAddress(.v4, high: 0, low: 0xC000_0207))
        #expect(IPAddress("2001:DB8::7") == IPAddress(.v6, high: 0x2001_0DB8 << 32, low: 7))
        #expect(IPAddress("192.0.2.7\u{0}") == nil && IPAddress("::\u{661}") == nil)
    }

    #if canImport(Glibc) || canImport(Darwin)
    @Test(arguments: UInt64(0)..<20)
    func `whatever the system takes for an address is that one, and nothing else is any`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("0123456789abcdefABCDEF.:::%g ".utf8)
        for _ in 0..<500 {
            var text = Self.samples.randomElement(using: &random).map { Array($0.utf8) } ?? []
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let place = Int.random(in: 0...text.count, using: &random)
                let byte = alphabet.randomElement(using: &random) ?? 0
                if place == text.count || Bool.random(using: &random) {
                    text.insert(byte, at: place)
                } else {
                    text.remove(at: place)
                }
            }
            let string = String(decoding: text, as: UTF8.self)
            #expect(IPAddress(string) == Self.systemAddress(string), "\(string), seed \(seed)")
        }
    }

    private static let samples = [
        "192.0.2.7", "255.255.255.255", "0.0.0.0", "::", "::1", "1::", "2001:db8::8:800:200c:417a", "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:192.0.2.7", "::ffff:192.0.2.7", "1::4:5:192.0.2.7",
    ]

    private static func systemAddress(_ text: String) -> IPAddress? {
        var v4 = in_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            return IPAddress(.v4, high: 0, low: UInt64(UInt32(bigEndian: v4.s_addr)))
        }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
        return withUnsafeBytes(of: v6) { bytes in
            func word(_ offset: Int) -> UInt64 {
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            }
            return IPAddress(.v6, high: word(0), low: word(8))
        }
    }
    #endif
}
