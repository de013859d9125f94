// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct CertificateTests {
    private func put(_ body: JSON, _ name: String = "api", tenant: String = "acme") -> WriteCommand {
        .put(.certificate, tenant: tenant, name: name, body: body)
    }

    private func stored(_ test: TestPlane, _ name: String = "api") throws -> Certificate {
        try #require(try test.plane.resource(.certificate, tenant: "acme", name: name).spec as? Certificate)
    }

    private func sealed(_ certificate: Certificate) throws -> String {
        guard case .sealed(let text) = certificate.privateKey else { throw NotSealed() }
        return text
    }

    private struct NotSealed: Error {}

    @Test func `a certificate says what it is, and its key is sealed before the log has it`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let given = try TestCertificate("api.acme.test", "*.acme.test", at: test.clock.now)
        let outcome = try await test.write(put(given.body))
        let certificate = try stored(test)
        #expect(certificate.facts.names == ["api.acme.test", "*.acme.test"])
        #expect(certificate.facts.notAfter == test.clock.now.advanced(by: .seconds(90 * 86_400)))
        let text = try sealed(certificate)
        #expect(try test.sealingKey.open(text, for: .certificate("api", tenant: "acme")) == given.key)

        let after = try #require(try await test.plane.record(outcome.revision).changes.first?.after)
        #expect(after.storedText.contains(text))
        let shown = after.document(for: .people)
        #expect(shown["privateKey"] == nil && shown["names"] == ["api.acme.test", "*.acme.test"])
        let secret = given.key.split(separator: "\n")[1]
        for document in [after.storedText, shown.text, after.bundleItem.text] { #expect(!document.contains(secret)) }
    }

    @Test func `the same again changes nothing, sealed or not, nor does it without its key`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let given = try TestCertificate("api.acme.test", at: test.clock.now)
        let first = try await test.write(put(given.body))
        let text = try sealed(try stored(test))
        for body in [given.body, given.keyless, ["chain": .string(given.chain), "privateKey": .string(text)]] {
            let again = try await test.write(put(body))
            #expect(again.revision == first.revision && again.effect == nil)
        }
        // Long after it has ended, too.
        test.clock.advance(by: .seconds(400 * 86_400))
        #expect(try await test.write(put(given.body)).effect == nil)
    }

    @Test func `what is exported applies back without a difference`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        try await test.write(put(try TestCertificate("api.acme.test", at: test.clock.now).body))
        let export = try await test.plane.export(tenant: nil, kinds: nil, labels: [:], for: .system)
        let items = export.resources.map(\.bundleItem)
        let item = try #require(items.first { $0["kind"] == "certificate" })
        #expect(Set(item["spec"]?.object?.names ?? []) == ["chain", "privateKey"])
        let outcome = try await test.apply(["resources": .array(items)])
        #expect(outcome.changes.isEmpty && outcome.unchanged == items.count)
    }

    @Test func `a patch keeps the key, and changes it only with the certificate`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let (one, other) = (
            try TestCertificate("api.acme.test", at: test.clock.now),
            try TestCertificate("api.acme.test", at: test.clock.now)
        )
        try await test.write(put(one.body))
        let before = try stored(test)
        func patch(_ patch: JSON) -> WriteCommand {
            .patch(.certificate, tenant: "acme", name: "api", patch: patch)
        }
        #expect(try await test.write(patch(["labels": ["a": "b"]])).effect == .updated)
        #expect(try stored(test) == before)
        for (body, pointer) in [(other.keyless, "/privateKey"), (["privateKey": .string(other.key)], "/privateKey")] {
            let refused = try await refusal { () throws(TurnpikeError) in try await test.write(patch(body)) }
            #expect(refused.code == .invalidResource && refused.pointers == [pointer])
        }
        #expect(try await test.write(patch(other.body)).effect == .updated)
        #expect(try stored(test).facts != before.facts)
    }

    @Test func `what cannot be shown is refused, each fault by its place`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let now = test.clock.now
        let (good, other) = (try TestCertificate("api.acme.test", at: now), try TestCertificate("b.acme.test", at: now))
        let ended = try TestCertificate(
            "api.acme.test", at: Timestamp(milliseconds: now.milliseconds - 91 * 86_400_000))
        let nameless = try TestCertificate("127.0.0.1", at: now)
        let strange = try TestCertificate("a b.acme.test", at: now)
        try await test.write(put(other.body, "other"))
        let elsewhere = try sealed(try stored(test, "other"))
        func body(_ chain: String, _ key: String?) -> JSON {
            .object(JSONObject(["chain": .string(chain), "privateKey": key.map { .string($0) }]))
        }
        let cases: [(JSON, Set<String>)] = [
            (["privateKey": .string(good.key)], ["/chain"]), (body("x", "x"), ["/chain", "/privateKey"]),
            (body(good.chain, nil), ["/privateKey"]), (body(good.chain, other.key), ["/privateKey"]),
            (body(good.chain + good.key, good.key), ["/chain"]), (ended.body, ["/chain"]),
            (nameless.body, ["/chain"]), (strange.body, ["/chain"]),
            // A text that was sealed for another resource, or by another control plane.
            (body(other.chain, elsewhere), ["/privateKey"]),
            (
                body(good.chain, try SealingKey().seal(good.key, for: .certificate("api", tenant: "acme"))),
                ["/privateKey"]
            ),
        ]
        for (body, pointers) in cases {
            let refused = try await refusal { () throws(TurnpikeError) in try await test.write(put(body)) }
            #expect(refused.code == .invalidResource && Set(refused.pointers) == pointers)
            let item: JSON = ["kind": "certificate", "tenant": "acme", "name": "api", "spec": body]
            let bundled = try await refusal { () throws(TurnpikeError) in try await test.apply(["resources": [item]]) }
            #expect(Set(bundled.pointers) == Set(pointers.map { "/resources/0/spec" + $0 }))
            for secret in [good.key, other.key] {
                #expect(!"\(refused)\(refused.faults)\(bundled.faults)".contains(secret.split(separator: "\n")[1]))
            }
        }
    }

    @Test func `no tenant takes a host from another, neither by name nor by a wildcard`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        try await test.seed("globex", host: "api.globex.test")
        let now = test.clock.now
        try await test.write(put(try TestCertificate("shop.acme.test", at: now).body))
        for name in ["api.acme.test", "shop.acme.test", "*.acme.test"] {
            let body = try TestCertificate(name, "mine.globex.test", at: now).body
            let refused = try await refusal { () throws(TurnpikeError) in
                try await test.write(put(body, tenant: "globex"))
            }
            #expect(refused.code == .hostTaken && refused.pointers == ["/chain"])
        }
        // Nor may a route.
        let route = try await refusal { () throws(TurnpikeError) in
            try await test.write(
                .put(.route, tenant: "globex", name: "shop", body: Body.route(host: "shop.acme.test")))
        }
        #expect(route.code == .hostTaken)
        // What the first gives up, the second may have; in one bundle, too.
        try await test.write(put(try TestCertificate("*.globex.test", "x.test", at: now).body, tenant: "globex"))
        try await test.write(.delete(.certificate, tenant: "acme", name: "api"))
        try await test.write(put(try TestCertificate("shop.acme.test", at: now).body, "shop", tenant: "globex"))
        let wide = try TestCertificate("*.acme.test", at: now).body
        let covered = try await refusal { () throws(TurnpikeError) in try await test.write(put(wide)) }
        #expect(covered.code == .hostTaken)
        let outcome = try await test.apply([
            "resources": [["kind": "certificate", "tenant": "acme", "name": "api", "spec": wide]],
            "deletes": [["kind": "certificate", "tenant": "globex", "name": "shop"]],
        ])
        #expect(outcome.changes.count == 2)
    }

    @Test func `after a start hosts are each tenant's still, and the text of another key is kept`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        try await test.seed("globex", host: "api.globex.test")
        let given = try TestCertificate("shop.acme.test", at: test.clock.now)
        try await test.write(put(given.body))
        let again = try await test.restarted(sealingKey: SealingKey())
        let body = try TestCertificate("*.acme.test", at: test.clock.now).body
        let refused = try await refusal { () throws(TurnpikeError) in try await again.write(put(body, tenant: "globex"))
        }
        #expect(refused.code == .hostTaken)
        #expect(try await again.write(put(given.keyless)).effect == nil)
        // Written anew, it is sealed anew.
        #expect(try await again.write(put(given.body)).effect == .updated)
        #expect(SealingKey.id(in: try sealed(try stored(again))) == again.sealingKey.id)
    }

    @Test func `what is taken back is there again with its key`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        try await test.write(put(try TestCertificate("api.acme.test", at: test.clock.now).body))
        let before = try stored(test)
        let deletion = try await test.write(.delete(.certificate, tenant: "acme", name: "api"))
        _ = try await test.plane.revert(deletion.revision, test.context())
        #expect(try stored(test) == before)
    }
}
