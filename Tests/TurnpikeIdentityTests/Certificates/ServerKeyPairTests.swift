// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeIdentity
import TurnpikeModel

@Suite struct ServerKeyPairTests {
    private let now = Timestamp(milliseconds: 1_790_000_000_000)

    private func issued(_ names: String...) throws -> IssuedServerCertificate {
        try CertificateAuthority(now: now).issueServer(names: names, now: now)
    }

    @Test func `a chain says what its first certificate is, and its key belongs to it`() throws {
        let pair = try issued("API.acme.test", "*.acme.test", "127.0.0.1", "api.acme.test")
        let chain = try ServerKeyPair.chain(pair.certificatePEM)
        #expect(chain.facts.names == ["api.acme.test", "*.acme.test"])
        #expect(chain.facts.beginsAt < now && chain.facts.expiresAt == now.advanced(by: .seconds(90 * 86_400)))
        #expect(chain.facts.fingerprint.count == 64 && chain.facts.fingerprint != chain.facts.keyFingerprint)
        #expect(try ServerKeyPair.key(pair.privateKeyPEM).fingerprint == chain.facts.keyFingerprint)
        #expect(try ServerKeyPair.key(issued("a").privateKeyPEM).fingerprint != chain.facts.keyFingerprint)
    }

    @Test func `of what stands beside the certificates nothing is kept`() throws {
        let pair = try issued("api.acme.test")
        let text = "a note\n" + pair.certificatePEM.replacingOccurrences(of: "\n", with: "\r\n") + "tp_live_secret\n"
        #expect(try ServerKeyPair.chain(text).text == pair.certificatePEM)
    }

    @Test func `a chain that holds anything but certificates is refused`() throws {
        let pair = try issued("api.acme.test")
        let long = String(repeating: pair.certificatePEM, count: 6)
        for text in ["", "nonsense", pair.privateKeyPEM, pair.certificatePEM + pair.privateKeyPEM, long] {
            #expect(throws: CertificateFault.self) { try ServerKeyPair.chain(text) }
        }
    }

    @Test(arguments: [
        ["genrsa", "2048"], ["genrsa", "-traditional", "2048"], ["ecparam", "-name", "secp384r1", "-genkey"],
        ["genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
    ])
    func `keys of RSA and ECDSA come in any form, and are kept in one`(arguments: [String]) throws {
        let key = try ServerKeyPair.key(openssl(arguments))
        #expect(try ServerKeyPair.key(key.text).text == key.text)
        #expect(try ServerKeyPair.key(openssl(arguments)).fingerprint != key.fingerprint)
    }

    /// What openssl prints.
    private func openssl(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        let output = Pipe()
        (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: text, as: UTF8.self)
    }

    @Test(arguments: [
        ["genrsa", "1024"], ["genpkey", "-algorithm", "ed25519"], ["rand", "-base64", "100"],
        ["genpkey", "-algorithm", "rsa", "-aes256", "-pass", "pass:secret"],
    ])
    func `keys that are weak, unusual, locked or none are refused`(arguments: [String]) throws {
        let text = try openssl(arguments)
        #expect(!text.isEmpty)
        let fault = #expect(throws: CertificateFault.self) { try ServerKeyPair.key(text) }
        #expect(fault?.description.contains(text.suffix(60).prefix(20)) == false)
    }
}
