// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeIdentity

@Suite struct SecretTests {
    /// Worked out apart from this code, with zlib's CRC-32 over what precedes the last six digits.
    @Test(arguments: [
        (SecretKind.apiKey, "tp_live_abcdefghijklmnopqrstuvwxyz012321x3gE"),
        (.operatorToken, "tp_op_0000000000000000000000000000003oPZ3L"),
        (.joinToken, "tp_join_ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ1ahHD9"),
        (.workerCredential, "tp_wrk_Turnpike0Turnpike0Turnpike0ABC3EECLw"),
    ])
    func `known secrets are well-formed`(kind: SecretKind, text: String) {
        #expect(Secret.parse(text) == kind)
        #expect(Secret(text)?.kind == kind)
        #expect(text.utf8.count == kind.length)
    }

    @Test(arguments: SecretKind.allCases)
    func `a generated secret has its kind's shape and passes every check`(kind: SecretKind) {
        for _ in 0..<200 {
            let secret = Secret.generate(kind)
            #expect(secret.text.wholeMatch(of: /tp_(live|op|join|wrk)_[0-9A-Za-z]{36}/) != nil)
            #expect(secret.text.hasPrefix(kind.rawValue + "_"))
            #expect(Secret.parse(secret.text) == kind)
        }
    }

    @Test func `generated secrets are unique`() {
        var generator = SystemRandomNumberGenerator()
        let secrets = Set((0..<10_000).map { _ in Secret.generate(.apiKey, using: &generator).text })
        #expect(secrets.count == 10_000)
    }

    @Test(arguments: SecretKind.allCases, [1, 2, 3] as [UInt64])
    func `every single-character typo is refused`(kind: SecretKind, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let secret = Array(Secret.generate(kind, using: &generator).text.utf8)
        for position in secret.indices {
            for byte in 0...255 as ClosedRange<UInt8> where byte != secret[position] {
                var typo = secret
                typo[position] = byte
                let found = typo.withUnsafeBytes { Secret.parse($0) }
                #expect(found == nil, "seed \(seed), position \(position), byte \(byte)")
            }
        }
    }

    @Test(arguments: SecretKind.allCases, [4, 5, 6] as [UInt64])
    func `a swap of neighbours in the random part is refused`(kind: SecretKind, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let secret = Array(Secret.generate(kind, using: &generator).text.utf8)
        let start = kind.rawValue.utf8.count + 1
        for position in start..<(start + Secret.randomLength - 1) where secret[position] != secret[position + 1] {
            var typo = secret
            typo.swapAt(position, position + 1)
            #expect(Secret.parse(String(decoding: typo, as: UTF8.self)) == nil, "seed \(seed), position \(position)")
        }
    }

    @Test func `what is cut, padded, empty or of another kind is refused`() {
        var generator = SeededGenerator(seed: 7)
        let text = Secret.generate(.apiKey, using: &generator).text
        for length in 0..<text.count { #expect(Secret.parse(String(text.prefix(length))) == nil) }
        for padded in [text + "0", " " + text, text + "\n", text + "\0"] { #expect(Secret.parse(padded) == nil) }
        #expect(Secret.parse("tp_op_" + text.dropFirst("tp_live_".count)) == nil)
        #expect(Secret.parse(String(repeating: "é", count: 22)) == nil)
    }

    @Test func `a span is judged as its bytes are, and by the kind asked for`() {
        var generator = SeededGenerator(seed: 8)
        let bytes = Array(Secret.generate(.workerCredential, using: &generator).text.utf8)
        let isCredential = Secret.isWellFormed(bytes.span, as: .workerCredential)
        let isToken = Secret.isWellFormed(bytes.span, as: .operatorToken)
        let isEmptyCredential = Secret.isWellFormed([UInt8]().span, as: .workerCredential)
        #expect(isCredential && !isToken && !isEmptyCredential)
    }

    @Test func `what is like a secret has its length and prefix, whatever its digits`() {
        var generator = SeededGenerator(seed: 10)
        let text = Secret.generate(.apiKey, using: &generator).text
        func isLike(_ text: String, _ kind: SecretKind = .apiKey) -> Bool {
            Array(text.utf8).withUnsafeBytes { Secret.isLike($0, kind) }
        }
        let wrong = "tp_live_" + String(repeating: "!", count: text.count - 8)
        #expect(isLike(text) && isLike(wrong))
        #expect(
            !isLike(text, .operatorToken) && !isLike("tp_live-" + text.dropFirst(8))
                && !isLike("tq" + text.dropFirst(2)))
        for other in [text + "0", String(text.dropLast()), ""] { #expect(!isLike(other)) }
    }

    @Test func `a hint shows the prefix and four digits, and printing shows no more`() {
        var generator = SeededGenerator(seed: 9)
        let secret = Secret.generate(.joinToken, using: &generator)
        #expect(secret.hint == String(secret.text.prefix(12)))
        #expect("\(secret)" == secret.hint + "…")
        #expect(String(reflecting: secret) == secret.hint + "…")
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(!dumped.contains(secret.text))
    }
}
