// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeControl

/// What becomes of sealed texts when the sealing key is changed.
@Suite struct SealingAnewTests {
    private static let count = 2 * ControlPlane.sealedAtOnce + 5

    /// A control plane whose tenant has so many certificates, all of the same key.
    private func plane(certificates count: Int = count) async throws -> (TestPlane, TestCertificate) {
        let test = try await TestPlane.start()
        try await test.seed()
        let certificate = try TestCertificate("api.acme.test", at: test.clock.now)
        let resources = (0..<count).map { number -> JSON in
            ["kind": "certificate", "tenant": "acme", "name": .string("c\(1000 + number)"), "spec": certificate.body]
        }
        try await test.apply(["resources": .array(resources)])
        return (test, certificate)
    }

    /// How many certificates each key has sealed, by its id.
    private func counts(_ test: TestPlane) -> [String: Int] {
        test.plane.view.resources(of: .certificate, tenant: "acme").reduce(into: [:]) { counts, resource in
            guard case .sealed(let text)? = (resource.spec as? Certificate)?.privateKey else { return }
            counts[SealingKey.id(in: text) ?? "", default: 0] += 1
        }
    }

    @Test func `all is sealed by the new key, a stretch at a time, and says the same as before`() async throws {
        let (test, certificate) = try await plane()
        let export = try await test.plane.export(tenant: "acme", kinds: [.certificate], labels: [:], for: .system)
        let again = try await test.restarted(sealingKey: SealingKey(), former: [test.sealingKey])
        let before = again.plane.revision
        await again.plane.sealAnew()
        #expect(counts(again) == [again.sealingKey.id: Self.count])
        #expect(again.plane.revision == before + 3)
        let record = try await again.plane.record(before + 1)
        #expect(record.actor == "system" && record.reason == "The sealing key was changed")
        // Nothing is left to do, now and at the next start.
        await again.plane.sealAnew()
        let later = try await again.restarted(former: [test.sealingKey])
        await later.plane.sealAnew()
        #expect(later.plane.revision == before + 3)
        // Neither what a client writes again nor what was exported before makes a difference.
        let put = WriteCommand.put(.certificate, tenant: "acme", name: "c1000", body: certificate.body)
        #expect(try await later.write(put).effect == nil)
        #expect(try await later.apply(["resources": .array(export.resources.map(\.bundleItem))]).changes.isEmpty)
    }

    @Test func `keys are taken under way, and what was on its way by the former one is sealed anew later`() async throws
    {
        let (test, certificate) = try await plane(certificates: 3)
        let (plane, old, new) = (test.plane, test.sealingKey, SealingKey())
        let late = plane.intake
        try await plane.take(SealingKeys(new, former: [old]))
        #expect(counts(test) == [new.id: 3])
        try await test.write(.put(.certificate, tenant: "acme", name: "c2000", body: certificate.body))
        #expect(counts(test) == [new.id: 4])
        // Made ready before the keys were taken, it comes to the log after.
        let spec = try ResourceBody(certificate.body, kind: .certificate, name: "c3000").spec
        let key = ResourceKey(.certificate, tenant: "acme", name: "c3000")
        let sealed = late.taken(spec, as: key).spec
        let request = CommitRequest(tenant: "acme", actor: "test", reason: "", requestID: "late") { draft in
            draft.create(
                in: CollectionKey(.certificate, tenant: "acme"), name: "c3000", labels: [:], spec: sealed, at: nil)
        }
        _ = try await plane.commit(request)
        #expect(counts(test) == [new.id: 4, old.id: 1])
        let keeping = Task { await plane.keepSealed(lookingEvery: .milliseconds(1)) }
        try await until("all is sealed by the new key") { counts(test) == [new.id: 5] }
        keeping.cancel()
        await keeping.value
    }

    @Test func `keys that leave something sealed for ever are not taken`() async throws {
        let (test, _) = try await plane(certificates: 2)
        for keys in [SealingKeys(SealingKey()), SealingKeys(SealingKey(), former: [SealingKey()])] {
            let refused = try await refusal { () throws(TurnpikeError) in try await test.plane.take(keys) }
            #expect(refused.code == .storageFailed && refused.detail.contains("2 certificates"))
        }
        #expect(counts(test) == [test.sealingKey.id: 2] && test.plane.intake.sealingKeys.former.isEmpty)
        // One that seals nothing any more may go; the first one may not, for writes are on their way that it has sealed.
        let (second, third) = (SealingKey(), SealingKey())
        try await test.plane.take(SealingKeys(second, former: [test.sealingKey]))
        let refused = try await refusal { () throws(TurnpikeError) in try await test.plane.take(SealingKeys(third)) }
        #expect(refused.code == .storageFailed)
        try await test.plane.take(SealingKeys(third, former: [second]))
        #expect(counts(test) == [third.id: 2])
    }

    @Test func `what is cut off leaves each certificate sealed by a key that is there, and is finished later`()
        async throws
    {
        let (test, _) = try await plane()
        let new = SealingKey()
        let again = try await test.restarted(sealingKey: new, former: [test.sealingKey])
        let sealing = Task { await again.plane.sealAnew() }
        let before = again.plane.revision
        try await until("a stretch is sealed") { again.plane.revision > before }
        test.store.failWriting()
        sealing.cancel()
        await sealing.value
        test.store.beforeWriting(nil)
        let next = try await again.restarted(former: [test.sealingKey])
        #expect(counts(next).values.reduce(0, +) == Self.count)
        #expect(Set(counts(next).keys).isSubset(of: [new.id, test.sealingKey.id]))
        await next.plane.sealAnew()
        #expect(counts(next) == [new.id: Self.count])
    }

    @Test func `what a client changes meanwhile is not undone, and what no key opens stays`() async throws {
        let (test, _) = try await plane(certificates: 3)
        let foreign = try await test.restarted(sealingKey: SealingKey())
        let other = try TestCertificate("api.acme.test", at: test.clock.now)
        try await foreign.write(.put(.certificate, tenant: "acme", name: "c1001", body: other.body))
        let again = try await foreign.restarted(sealingKey: SealingKey(), former: [foreign.sealingKey])
        await again.plane.sealAnew()
        #expect(counts(again) == [test.sealingKey.id: 2, again.sealingKey.id: 1])
        #expect(
            try await again.write(.put(.certificate, tenant: "acme", name: "c1001", body: other.body)).effect == nil)
    }

    @Test func `what is taken back is sealed by the first key, and refused once its own is gone`() async throws {
        let (test, _) = try await plane(certificates: 1)
        let deletion = try await test.write(.delete(.certificate, tenant: "acme", name: "c1000"))
        let lost = try await test.restarted(sealingKey: SealingKey())
        let refused = try await refusal { () throws(TurnpikeError) in
            _ = try await lost.plane.revert(deletion.revision, lost.context())
        }
        #expect(refused.code == .invalidResource && refused.detail.contains("sealed by another key"))
        let again = try await test.restarted(sealingKey: SealingKey(), former: [test.sealingKey])
        _ = try await again.plane.revert(deletion.revision, again.context())
        #expect(counts(again) == [again.sealingKey.id: 1])
    }
}
