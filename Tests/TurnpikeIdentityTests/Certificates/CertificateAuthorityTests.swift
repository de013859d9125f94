// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeIdentity
import TurnpikeModel

@Suite struct CertificateAuthorityTests {
    private let now = Timestamp(milliseconds: 1_790_000_000_000)
    private let worker = "wrk_0123456789ABCDEFGHIJKL"

    @Test func `a CA is the same after its files are read again`() throws {
        let made = try CertificateAuthority(now: now)
        let read = try CertificateAuthority(
            certificatePEM: made.certificatePEM, privateKeyPEM: try made.privateKeyPEM())
        #expect(read.certificatePEM == made.certificatePEM)
        #expect(read.expiresAt == now.advanced(by: CertificateAuthority.lifetime))
    }

    @Test func `a key of another CA is refused`() throws {
        let (one, two) = (try CertificateAuthority(now: now), try CertificateAuthority(now: now))
        #expect(throws: CertificateFault.self) {
            try CertificateAuthority(certificatePEM: one.certificatePEM, privateKeyPEM: try two.privateKeyPEM())
        }
        #expect(throws: CertificateFault.self) {
            try CertificateAuthority(certificatePEM: "nonsense", privateKeyPEM: try one.privateKeyPEM())
        }
    }

    @Test func `a worker's certificate names that worker and no other`() throws {
        let authority = try CertificateAuthority(now: now)
        let certificate = try authority.issueWorker(
            try WorkerKey().certificateRequest(), worker: worker, lifetime: .seconds(3600), now: now)
        let der = try #require(PEM.bytes(of: certificate))
        #expect(WorkerCertificate.names(worker, der: der))
        #expect(!WorkerCertificate.names(worker + "0", der: der))
        #expect(!WorkerCertificate.names("", der: der))
    }

    @Test func `a worker's key is the same after its file is read again`() throws {
        let key = WorkerKey()
        #expect(try WorkerKey(pem: try key.pem()).pem() == key.pem())
        #expect(throws: CertificateFault.self) { try WorkerKey(pem: "nonsense") }
    }

    @Test(arguments: ["", "nonsense", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"])
    func `what is no certificate request is refused`(_ text: String) {
        #expect(throws: CertificateFault.self) { try WorkerCertificate.check(request: text) }
    }

    @Test func `a request whose signature was tampered with is refused`() throws {
        let request = try WorkerKey().certificateRequest()
        var lines = request.split(separator: "\n").map(String.init)
        // The signature's bytes end the request; the line before the last holds them.
        let place = lines.count - 2
        lines[place] = String(lines[place].map { $0 == "A" ? "B" : $0 == "=" ? "=" : "A" })
        #expect(throws: CertificateFault.self) {
            try WorkerCertificate.check(request: lines.joined(separator: "\n") + "\n")
        }
        #expect(throws: CertificateFault.self) {
            try WorkerCertificate.check(request: request + String(repeating: "\n", count: 8192))
        }
        try WorkerCertificate.check(request: request)
    }

    @Test func `a server's certificate comes with its root`() throws {
        let authority = try CertificateAuthority(now: now)
        let issued = try authority.issueServer(names: ["cp.example", "127.0.0.1", "::1"], now: now)
        #expect(issued.certificatePEM.hasSuffix(authority.certificatePEM))
        #expect(issued.privateKeyPEM != (try authority.privateKeyPEM()))
    }
}

/// Base64 between two lines, read apart from the code under test.
private enum PEM {
    static func bytes(of text: String) -> [UInt8]? {
        let digits = text.split(separator: "\n").prefix { !$0.hasPrefix("-----END") }.dropFirst().joined()
        var (bytes, word, bits): ([UInt8], UInt32, Int) = ([], 0, 0)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        for character in digits where character != "=" {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            word = word << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        return bytes
    }
}
