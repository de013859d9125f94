// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@Suite struct AddressRangeTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false), ("0.0.0.0/0", "192.0.2.1", true),
        ("0.0.0.0/0", "::1", false), ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7/32", "192.0.2.6", false),
        ("192.0.2.128/25", "192.0.2.200", true), ("192.0.2.128/25", "192.0.2.127", false),
        ("2001:db8::/32", "2001:db8:1::7", true), ("2001:db8::/32", "2001:db9::", false), ("::/0", "::1", true),
        ("::/0", "0.0.0.1", false), ("2001:db8:0:0:8000::/65", "2001:db8::8000:0:0:1", true),
        ("2001:db8:0:0:8000::/65", "2001:db8::7fff:0:0:1", false), ("::1", "0:0:0:0:0:0:0:1", true),
        ("::ffff:10.0.0.0/104", "::ffff:10.1.2.3", true),
    ])
    func `a range holds the addresses that begin as it does`(range: String, address: String, holds: Bool) throws {
        let range = try #require(AddressRange(range))
        #expect(range.contains(try #require(IPAddress(address))) == holds)
        #expect(AddressRange(range.description) == range)
    }

    @Test(arguments: [
        "", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/", "10.0.0.1/8", "10.0.0/8", "10.0.0.0.0", "a",
        "::/129",
        "1::2::3", "2001:db8::1/64", "fe80::1%eth0", "10.0.0.0/8/8", "256.0.0.0", "01.0.0.0", ":", "12345::",
    ])
    func `what is no range is refused`(text: String) {
        #expect(AddressRange(text) == nil)
    }
}
