// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@Suite struct HostTests {
    @Test(arguments: [
        "localhost", "api.acme.test", "127.0.0.1", "a_b.internal", "xn--bcher-kva.example", "1", "::", "::1", "fe80::1",
        "2001:db8:0:0:0:0:0:1", "2001:DB8::8:800:200C:417A", "1:2:3:4:5:6:7::", "::ffff:192.0.2.1",
        "1:2:3:4:5:6:192.0.2.1", String(repeating: "a", count: 63), "a." + String(repeating: "b.", count: 125) + "c",
    ])
    func `names and addresses without port can be reached`(host: String) { #expect(Host.isValidAddress(host)) }

    @Test(arguments: [
        "", ".", "a.", ".a", "a..b", "-a", "a-", "A.test", "a b", "ä.test", "a/b", "a:80", "user@a", "*.a", ":", ":::",
        "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::", "fe80::1%eth0", "[::1]",
        "::1:80.1", "::256.0.0.1", "::1.2.3", "::01.2.3.4", "1.2.3.4::", ":1:2:3:4:5:6:7:8", "::\u{661}",
        String(repeating: "a", count: 64), String(repeating: "ab.", count: 84) + "ab",
    ])
    func `everything else cannot`(host: String) { #expect(!Host.isValidAddress(host)) }

    @Test func `a pattern is a name, or a star before one`() {
        for pattern in ["a", "*.a", "*.api.acme.test"] { #expect(Host.isValidPattern(pattern), "\(pattern)") }
        for pattern in ["*", "*.", "**.a", "*a", "a.*", "*.*.a", "a.*.b", "::1", "A", "a:80"] {
            #expect(!Host.isValidPattern(pattern), "\(pattern)")
        }
    }
}
