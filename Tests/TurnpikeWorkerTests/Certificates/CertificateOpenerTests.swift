// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

@testable import TurnpikeProxy
@testable import TurnpikeWorker

@Suite struct CertificateOpenerTests {
    /// A control plane's key, and how often it was asked for.
    private final class Source: Sendable {
        let keys: SealingKeys?
        let asked = Mutex(0)

        init(_ key: SealingKey?, former: [SealingKey] = []) { keys = key.map { SealingKeys($0, former: former) } }

        func give() throws -> SealingKeys {
            asked.withLock { $0 += 1 }
            guard let keys else { throw ControlPlaneFailure.unreachable("away") }
            return keys
        }
    }

    private func opener(_ source: Source, _ path: String) -> CertificateOpener {
        CertificateOpener(
            keys: SealingKeyRing(file: path + "/sealing.keys", logger: quietLogger), ask: { try source.give() })
    }

    private func told(
        _ name: String, by key: SealingKey, at now: Timestamp = .now, for sealedName: String? = nil
    ) throws -> CompiledResource {
        let issued = try CertificateAuthority(now: now).issueServer(names: ["\(name).test"], now: now)
        let facts = try CertificateFacts(chain: issued.certificatePEM)
        return .certificate(
            CompiledCertificate(
                tenant: "acme", name: name, id: ResourceID(high: 1, low: 1), names: facts.names,
                notBefore: facts.beginsAt, notAfter: facts.expiresAt, chain: issued.certificatePEM,
                sealedKey: try key.seal(
                    issued.privateKeyPEM, for: .certificate(sealedName ?? name, tenant: "acme"))))
    }

    private func delta(_ set: [CompiledResource], removed: [CompiledName] = [], isSnapshot: Bool = false) -> Delta {
        Delta(revision: 1, isSnapshot: isSnapshot, set: set, removed: removed)
    }

    @Test func `the key is asked for once, and kept for a start without the control plane`() async throws {
        try await withTemporaryDirectory { path in
            let key = SealingKey()
            let source = Source(key)
            let certificates = [try told("a", by: key), try told("b", by: key)]
            let first = await opener(source, path).open(delta(certificates), over: [:], mayAsk: true)
            #expect(first.reasons.isEmpty && first.opened.count == 2)
            #expect(source.asked.withLock(\.self) == 1)
            #expect(try permissions(of: path + "/sealing.keys") == 0o600)

            let again = await opener(Source(nil), path).open(delta(certificates), over: [:], mayAsk: false)
            #expect(again.reasons.isEmpty && again.opened.count == 2)
        }
    }

    @Test func `while the key is being changed, what either has sealed is shown, and one question is enough`()
        async throws
    {
        try await withTemporaryDirectory { path in
            let (old, new) = (SealingKey(), SealingKey())
            let source = Source(new, former: [old])
            let certificates = [try told("a", by: old), try told("b", by: new)]
            let opener = opener(source, path)
            let first = await opener.open(delta(certificates), over: [:], mayAsk: true)
            #expect(first.reasons.isEmpty && first.opened.count == 2)
            #expect(source.asked.withLock(\.self) == 1)
            // The former one stays, for what a restart finds on the disk.
            let again = await self.opener(Source(nil), path).open(delta(certificates), over: [:], mayAsk: false)
            #expect(again.opened.count == 2)
        }
    }

    @Test func `what does not open is named, and the rest is ready`() async throws {
        try await withTemporaryDirectory { path in
            let key = SealingKey()
            let certificates = [
                try told("good", by: key), try told("moved", by: key, for: "elsewhere"),
                try told("foreign", by: SealingKey()),
            ]
            let (opened, reasons) = await opener(Source(key), path).open(
                delta(certificates), over: [:], mayAsk: true)
            #expect(opened.keys.map(\.name) == ["good"])
            #expect(reasons.map(\.name.description) == ["certificate/acme/moved", "certificate/acme/foreign"])
            #expect(reasons.last?.detail == "The key that it was sealed by is not the control plane's any more.")
        }
    }

    @Test func `without the control plane it is said that the key is lacking, and nobody is asked at a start`()
        async throws
    {
        try await withTemporaryDirectory { path in
            let source = Source(nil)
            let change = delta([try told("a", by: SealingKey())])
            let asked = await opener(source, path).open(change, over: [:], mayAsk: true)
            #expect(asked.reasons.first?.detail.contains("away") == true)
            let restored = await opener(source, path).open(change, over: [:], mayAsk: false)
            #expect(restored.reasons.count == 1)
            #expect(source.asked.withLock(\.self) == 1)
        }
    }

    @Test func `a change touches what it names, a snapshot everything`() async throws {
        try await withTemporaryDirectory { path in
            let key = SealingKey()
            let opener = opener(Source(key), path)
            let (a, b, c) = (try told("a", by: key), try told("b", by: key), try told("c", by: key))
            let first = await opener.open(delta([a, b]), over: [:], mayAsk: true).opened
            let second = await opener.open(delta([c], removed: [a.name]), over: first, mayAsk: true).opened
            #expect(Set(second.keys.map(\.name)) == ["b", "c"])
            let third = await opener.open(delta([a, b], isSnapshot: true), over: second, mayAsk: true).opened
            #expect(Set(third.keys.map(\.name)) == ["a", "b"])
        }
    }

    @Test func `former keys open what was sealed by them, and a damaged file is as good as none`() async throws {
        try await withTemporaryDirectory { path in
            let file = path + "/sealing.keys"
            let keys = (0..<10).map { _ in SealingKey() }
            let ring = SealingKeyRing(file: file, logger: quietLogger)
            for key in keys { try ring.adopt(SealingKeys(key)) }
            let read = SealingKeyRing(file: file, logger: quietLogger)
            for (place, key) in keys.enumerated() { #expect((read.key(key.id) != nil) == (place >= 2)) }
            try write(Array("nonsense\n".utf8), to: file)
            #expect(SealingKeyRing(file: file, logger: quietLogger).key(keys[9].id) == nil)
        }
    }

    @Test func `a file goes before what is told, the newer of two before the older, and neither is the default`()
        async throws
    {
        try await withTemporaryDirectory { path in
            let key = SealingKey()
            let served = ServedCertificates(metrics: MetricsRegistry())
            func certificate(_ name: String, at now: Timestamp) throws -> CompiledCertificate {
                guard case .certificate(var made) = try told("a", by: key, at: now, for: name) else { throw Wrong() }
                made.name = name
                return made
            }
            let (old, new) = (
                try certificate("z", at: Timestamp.now.advanced(by: .seconds(-3600))), try certificate("b", at: .now)
            )
            let opened = await opener(Source(key), path).open(
                delta([.certificate(old), .certificate(new)]), over: [:], mayAsk: true
            ).opened
            #expect(opened.count == 2)
            served.take(opened)
            let newer = opened[CompiledResource.certificate(new).name]?.ready.shown.nio
            #expect(newer != nil && served.certificates.shown(for: "a.test")?.nio === newer)
            #expect(served.certificates.shown(for: nil) == nil && served.certificates.shown(for: "b.test") == nil)

            let file = try CertificateAuthority(now: .now).issueServer(names: ["a.test"], now: .now)
            try write(Array(file.certificatePEM.utf8), to: path + "/x.crt")
            try write(Array(file.privateKeyPEM.utf8), to: path + "/x.key")
            try served.take(CertificateFolder(path: path).read())
            let shown = try #require(served.certificates.shown(for: "a.test")?.nio)
            #expect(shown !== newer && served.certificates.shown(for: "b.test")?.nio === shown)
        }
    }

    private struct Wrong: Error {}

    @Test func `the first end of all is told, of files and of what the control plane tells`() async throws {
        try await withTemporaryDirectory { path in
            let key = SealingKey()
            let metrics = MetricsRegistry()
            let served = ServedCertificates(metrics: metrics)
            #expect(metrics.render().contains("turnpike_certificate_expiry_timestamp_seconds 0"))
            let opened = await opener(Source(key), path).open(delta([try told("a", by: key)]), over: [:], mayAsk: true)
            served.take(opened.opened)
            let end = try #require(opened.opened.values.first?.compiled.notAfter)
            #expect(
                metrics.render().contains("turnpike_certificate_expiry_timestamp_seconds \(end.milliseconds / 1000)"))
            served.take([:])
            #expect(metrics.render().contains("turnpike_certificate_expiry_timestamp_seconds 0"))
        }
    }
}
