// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Testing
import TurnpikeIdentity
import TurnpikeProxy
import TurnpikeTelemetry

@testable import TurnpikeWorker

@Suite struct CertificateFolderTests {
    /// Makes `chain` and `key` in `folder`, for these names.
    private func make(_ names: String..., chain: String, key: String, in folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-subj", "/CN=test", "-addext", "subjectAltName=" + names.map { "DNS:\($0)" }.joined(separator: ","),
            "-keyout", "\(folder)/\(key)", "-out", "\(folder)/\(chain)",
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    @discardableResult
    private func servers(_ path: String, _ metrics: MetricsRegistry = MetricsRegistry()) throws -> CertificateService {
        try CertificateService(
            keeping: ServedCertificates(metrics: metrics), in: CertificateFolder(path: path), logger: quietLogger)
    }

    @discardableResult
    private func clients(_ path: String, _ metrics: MetricsRegistry = MetricsRegistry()) throws -> CertificateService {
        try CertificateService(
            keeping: ClientCertificates(), in: CertificateFolder(path: path), logger: quietLogger, metrics: metrics)
    }

    @Test func `pairs are found in the folder and in those beneath it`() async throws {
        try await withTemporaryDirectory { path in
            try make("API.acme.test", "*.acme.test", chain: "acme.crt", key: "acme.key", in: path)
            try make("fallback.test", chain: "default.crt", key: "default.key", in: path)
            try make("beta.test", chain: "fullchain.pem", key: "privkey.pem", in: path + "/beta")
            try make("default.beta.test", chain: "default.crt", key: "default.key", in: path + "/beta")
            try write(Array("no key beside it".utf8), to: path + "/lonely.crt")
            try write(Array("notes".utf8), to: path + "/README")
            let found = try CertificateFolder(path: path).read()
            #expect(
                found.map(\.facts.names)
                    == [["api.acme.test", "*.acme.test"], ["fallback.test"], ["default.beta.test"], ["beta.test"]])
            #expect(found.map(\.pair.name) == ["acme", "default", "default", "fullchain"])
            #expect(found.map(\.pair.folder) == [nil, nil, "beta", "beta"])
            #expect(found.allSatisfy { $0.facts.expiresAt > .now })
        }
    }

    @Test func `a folder without certificates, or with one that is none, is refused by name`() async throws {
        try await withTemporaryDirectory { path in
            let folder = CertificateFolder(path: path)
            #expect(throws: CertificateFailure.self) { try servers(path) }
            try write(Array("nonsense".utf8), to: path + "/x.crt")
            try write(Array("nonsense".utf8), to: path + "/x.key")
            let failure = #expect(throws: CertificateFailure.self) { try folder.read() }
            #expect(failure?.description.contains("\(path)/x.crt") == true)
            #expect(throws: FileFailure.self) { try CertificateFolder(path: path + "/none").read() }
        }
    }

    @Test func `what changes in the folder is taken over, and what cannot be used is not`() async throws {
        try await withTemporaryDirectory { path in
            try make("one.test", chain: "a.crt", key: "a.key", in: path)
            let metrics = MetricsRegistry()
            let service = try servers(path, metrics)
            #expect(metrics.render().contains("turnpike_certificate_expiry_timestamp_seconds 1"))
            #expect(service.look() == .unchanged)

            try make("two.test", chain: "b.crt", key: "b.key", in: path)
            #expect(service.look() == .taken)

            // A key that belongs to another certificate.
            try make("three.test", chain: "c.crt", key: "a.key", in: path)
            #expect(service.look() == .unusable)
            #expect(service.look() == .unchanged)
        }
    }

    @Test func `a key that does not belong to its certificate keeps the gateway from starting`() async throws {
        try await withTemporaryDirectory { path in
            try make("one.test", chain: "a.crt", key: "a.key", in: path)
            try make("two.test", chain: "b.crt", key: "a.key", in: path)
            #expect(throws: CertificateFailure.self) { try servers(path) }
        }
    }

    // MARK: - For upstreams

    @Test func `certificates for upstreams are each tenant's own, and there may be none yet`() async throws {
        try await withTemporaryDirectory { path in
            let metrics = MetricsRegistry()
            let service = try clients(path, metrics)
            #expect(metrics.render().contains("turnpike_client_certificate_expiry_timestamp_seconds 0"))
            try make("orders", chain: "orders.crt", key: "orders.key", in: path + "/acme")
            #expect(service.look() == .taken)
            #expect(metrics.render().contains("turnpike_client_certificate_expiry_timestamp_seconds 1"))
            // Nobody's.
            try make("orders", chain: "orders.crt", key: "orders.key", in: path)
            #expect(service.look() == .unusable)
            let failure = #expect(throws: CertificateFailure.self) { try clients(path) }
            #expect(failure?.reason == "it is in no tenant's folder")
        }
    }

    @Test func `a key that does not belong to its certificate is found before an upstream finds it`() async throws {
        try await withTemporaryDirectory { path in
            try make("one", chain: "a.crt", key: "a.key", in: path + "/acme")
            try make("two", chain: "b.crt", key: "a.key", in: path + "/acme")
            #expect(throws: CertificateFailure.self) { try clients(path) }
        }
    }
}
