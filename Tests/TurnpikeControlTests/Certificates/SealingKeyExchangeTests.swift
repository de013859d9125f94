// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct SealingKeyExchangeTests {
    private func announcement(_ capabilities: [Capability]) -> WorkerAnnouncement {
        WorkerAnnouncement(version: "1", capabilities: Set(capabilities.map(\.rawValue)), addresses: [])
    }

    @Test func `a gateway gets the key so that it alone can read it`() async throws {
        let test = try await TestPlane.start()
        let (one, two) = (try await test.join("gw-1"), try await test.join("gw-2"))
        let envelope = SealingKeyEnvelope()
        let answer = try test.plane.sealingKey(for: one, SealingKeyRequest(publicKey: envelope.publicKey))
        let sealed = answer.first
        #expect(sealed.id == test.sealingKey.id && !sealed.sealedKey.contains(test.sealingKey.text))
        #expect(try envelope.open(sealed.sealedKey, worker: one.resource.idText).text == test.sealingKey.text)
        #expect(throws: SealingFault.self) { try envelope.open(sealed.sealedKey, worker: two.resource.idText) }
        #expect(answer.former.isEmpty)
    }

    @Test func `while the key is being changed, a gateway gets the former one too`() async throws {
        let test = try await TestPlane.start()
        let again = try await test.restarted(sealingKey: SealingKey(), former: [test.sealingKey])
        let worker = try await again.join()
        let envelope = SealingKeyEnvelope()
        let answer = try again.plane.sealingKey(for: worker, SealingKeyRequest(publicKey: envelope.publicKey))
        let keys = try ([answer.first] + answer.former).map {
            try envelope.open($0.sealedKey, worker: worker.resource.idText).id
        }
        #expect(keys == [again.sealingKey.id, test.sealingKey.id])
    }

    @Test func `nobody but a worker gets it, nor whoever brings no public key`() async throws {
        let test = try await TestPlane.start()
        let request = SealingKeyRequest(publicKey: SealingKeyEnvelope().publicKey)
        let refused = try await refusal { () throws(TurnpikeError) in
            try test.plane.sealingKey(for: test.operator, request)
        }
        #expect(refused.code == .forbidden)
        let worker = try await test.join()
        let unfit = try await refusal { () throws(TurnpikeError) in
            try test.plane.sealingKey(for: worker, SealingKeyRequest(publicKey: "AAAA"))
        }
        #expect(unfit.pointers == ["/publicKey"])
    }

    @Test func `a worker that cannot read certificates is told of none, and the write says so`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let command = WriteCommand.put(
            .certificate, tenant: "acme", name: "api",
            body: try TestCertificate("api.acme.test", at: test.clock.now).body)
        let name = CompiledName(.certificate, tenant: "acme", name: "api")
        let able = try test.plane.openStream(
            worker: try await test.join("able"), from: nil, announcement(Capability.allCases))
        let old = try test.plane.openStream(
            worker: try await test.join("old"), from: nil,
            announcement(Capability.allCases.filter { $0 != .certificate }))
        let silent = try test.plane.openStream(worker: try await test.join("silent"), from: nil)
        for stream in [able, old, silent] { _ = try await stream.nextDelta() }

        let gaps = try await test.write(command).gaps
        #expect(gaps.map(\.worker) == ["old"] && gaps.map(\.capability) == ["certificate"])
        #expect(try await able.nextDelta()?.set.map(\.name) == [name])
        for stream in [old, silent] { #expect(try await stream.nextDelta()?.set == []) }
        try await test.write(.delete(.certificate, tenant: "acme", name: "api"))
        #expect(try await able.nextDelta()?.removed == [name])
        for stream in [old, silent] { #expect(try await stream.nextDelta()?.removed == []) }

        // In a snapshot neither.
        try await test.write(command)
        let late = try test.plane.openStream(worker: try await test.join("late"), from: nil)
        #expect(try await late.nextDelta()?.set.contains { $0.name == name } == false)
        let whole = try test.plane.openStream(
            worker: try await test.join("whole"), from: nil, announcement(Capability.allCases))
        #expect(try await whole.nextDelta()?.set.contains { $0.name == name } == true)
        withExtendedLifetime((able, old, silent, late, whole)) {}
    }
}
