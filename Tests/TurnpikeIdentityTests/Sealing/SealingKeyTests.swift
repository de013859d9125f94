// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeIdentity

@Suite struct SealingKeyTests {
    private let key = SealingKey()
    private let use = SealingKey.Use.certificate("api", tenant: "acme")

    @Test(arguments: ["", "a", "-----BEGIN PRIVATE KEY-----\n…\n", String(repeating: "x", count: 100_000)])
    func `what was sealed opens to the same`(text: String) throws {
        let sealed = try key.seal(text, for: use)
        #expect(try key.open(sealed, for: use) == text)
        #expect(SealingKey.id(in: sealed) == key.id)
        #expect(text.count < 8 || !sealed.contains(text))
    }

    @Test func `equal text for the same use comes out equal, and differs for any other`() throws {
        let sealed = try key.seal("secret", for: use)
        #expect(try key.seal("secret", for: use) == sealed)
        let others = [
            try key.seal("secreu", for: use), try key.seal("secret", for: .certificate("api", tenant: "globex")),
            try key.seal("secret", for: .certificate("ap", tenant: "acme")), try SealingKey().seal("secret", for: use),
        ]
        // Not even the nonce is shared.
        let begins = ([sealed] + others).map { $0.split(separator: ":")[3].prefix(16) }
        #expect(Set(begins).count == 5)
    }

    @Test func `nothing opens for another tenant or name, by another key, or altered anywhere`() throws {
        let sealed = try key.seal("secret", for: use)
        for other in [SealingKey.Use.certificate("api", tenant: "globex"), .certificate("app", tenant: "acme")] {
            #expect(throws: SealingFault.otherUse) { try key.open(sealed, for: other) }
        }
        #expect(throws: SealingFault.otherKey(id: key.id)) { try SealingKey().open(sealed, for: use) }
        let start = sealed.count - sealed.split(separator: ":")[3].count
        for place in start..<sealed.count {
            var altered = Array(sealed)
            altered[place] = altered[place] == "A" ? "B" : "A"
            #expect(throws: SealingFault.self) { try key.open(String(altered), for: use) }
        }
    }

    @Test(arguments: [
        "", "sealed", "sealed:v1:", "sealed:v2:0011223344556677:AAAA", "sealed:v1:x:AAAA", "sealed:v1:x:A+A/",
        "sealed:v1:x:AAA=", "sealed:v1:x:AAAA:", "other:v1:x:AAAA",
    ])
    func `what is no sealed text does not open`(text: String) {
        #expect(throws: SealingFault.self) { try key.open(text, for: use) }
    }

    @Test func `a key is the same after its file is read again, and says nothing of itself`() throws {
        let read = try #require(SealingKey(text: key.text + "\n"))
        #expect(read.id == key.id && read.text == key.text && key.text.count == 64)
        #expect(try read.open(key.seal("secret", for: use), for: use) == "secret")
        #expect("\(key)" == "sealing key \(key.id)" && !"\(key)".contains(key.text))
        #expect(!key.text.contains(key.id))
        for text in ["", "00", key.text + "00", key.text.uppercased() + "G"] { #expect(SealingKey(text: text) == nil) }
    }

    // The form is kept for as long as there are databases: what one release sealed, every later one opens. This text was made by
    // another library, after the description in openapi.yaml.
    @Test func `text that was sealed once opens for ever`() throws {
        let key = try #require(SealingKey(text: String(repeating: "0123456789abcdef", count: 4)))
        let sealed = "sealed:v1:02c8ad6104b45bad:bkfXMWBTZj3ky1lRqIwcvFWMDedzLKEFadT5kaYJD3ZoZcKjljQ9ZbE"
        #expect(try key.seal("a private key", for: use) == sealed)
        #expect(try key.open(sealed, for: use) == "a private key")
    }
}
