// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeIdentity

@Suite struct SealingKeyEnvelopeTests {
    private let key = SealingKey()
    private let worker = "wrk_01"

    @Test func `the worker that asked opens the key`() throws {
        let envelope = SealingKeyEnvelope()
        let sealed = try SealingKeyEnvelope.seal(key, to: envelope.publicKey, worker: worker)
        #expect(try envelope.open(sealed, worker: worker).text == key.text)
        // Each answer is a new one.
        #expect(try SealingKeyEnvelope.seal(key, to: envelope.publicKey, worker: worker) != sealed)
    }

    @Test func `nobody else does, nor does an altered one open`() throws {
        let envelope = SealingKeyEnvelope()
        let sealed = try SealingKeyEnvelope.seal(key, to: envelope.publicKey, worker: worker)
        #expect(throws: SealingFault.self) { try SealingKeyEnvelope().open(sealed, worker: worker) }
        #expect(throws: SealingFault.self) { try envelope.open(sealed, worker: "wrk_02") }
        for place in sealed.indices {
            var altered = sealed
            altered.replaceSubrange(place...place, with: sealed[place] == "A" ? "B" : "A")
            #expect(throws: SealingFault.self) { try envelope.open(altered, worker: worker) }
        }
    }

    @Test(arguments: ["", "AAAA", String(repeating: "A", count: 44), "no base64!"])
    func `what is no public key is refused`(text: String) {
        #expect(throws: SealingFault.self) { try SealingKeyEnvelope.seal(key, to: text, worker: worker) }
    }
}
