// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeIdentity
import TurnpikeSnapshot

@Suite struct KeyDigestSHA256Tests {
    /// The first three are NIST's examples for FIPS 180-4.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "tp_live_abcdefghijklmnopqrstuvwxyz012321x3gE",
            "5dbd1960a3948a5f6aef53b86de6f036827906c18aa6325dc8f4ec1c626252a3"
        ),
    ])
    func `digests agree with published ones`(text: String, hex: String) {
        #expect(KeyDigest.sha256(of: text).hex == hex)
        #expect(KeyDigest.sha256(of: text) == KeyDigest(hex: hex))
        #expect(Array(text.utf8).withUnsafeBytes { KeyDigest.sha256(of: $0) }.hex == hex)
    }

    @Test func `a secret's digest is that of its text`() throws {
        let secret = Secret.generate(.operatorToken)
        #expect(secret.digest == .sha256(of: secret.text))
        #expect(secret.digest != Secret.generate(.operatorToken).digest)
    }
}
