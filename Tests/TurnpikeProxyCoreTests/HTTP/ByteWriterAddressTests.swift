// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

@Suite struct ByteWriterAddressTests {
    /// RFC 5952 §4.
    @Test(arguments: [
        ("192.0.2.70", "192.0.2.70"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("::", "::"),
        ("::1", "::1"), ("1::", "1::"), ("2001:0DB8::0001", "2001:db8::1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"), ("0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"), ("0:2::", "0:2::"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ])
    func `an address has one text`(given: String, text: String) throws {
        let address = try #require(IPAddress(given))
        #expect(written(capacity: 39) { $0.append(address: address) } == text)
        #expect(ClientAddress(address).text == Array(text.utf8))
    }

    @Test(arguments: UInt64(0)..<20)
    func `an address that was written is read again`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            // Some groups are zero, so that there are runs of them.
            func word() -> UInt64 {
                (0..<4).reduce(0) { bits, _ in
                    let digits = UInt64.random(in: 0...16, using: &random)
                    return bits << 16 | (digits > 12 ? 0 : .random(in: 0...0xFFFF, using: &random) >> digits)
                }
            }
            let address =
                Bool.random(using: &random)
                ? IPAddress(.v6, high: word(), low: word()) : IPAddress(.v4, high: 0, low: word() & 0xFFFF_FFFF)
            let text = written(capacity: 39) { $0.append(address: address) } ?? ""
            #expect(IPAddress(text) == address, "\(text), seed \(seed)")
        }
    }
}
