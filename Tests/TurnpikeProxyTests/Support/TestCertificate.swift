// SPDX-License-Identifier: Apache-2.0

import Foundation
import TurnpikeModel
import TurnpikeProxy

/// A certificate that signs itself, made by openssl for one test.
enum TestCertificate {
    struct Failed: Error { let status: Int32 }

    /// - Parameter names: DNS names, or addresses.
    /// - Parameter subject: default: the first of the names.
    static func make(_ names: String..., subject: String? = nil, isDefault: Bool = false) throws -> ServerCertificate {
        let folder = FileManager.default.temporaryDirectory.appending(path: "certificate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (chain, key) = (folder.appending(path: "c.pem"), folder.appending(path: "k.pem"))
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-subj", "/CN=\(subject ?? names[0])", "-addext",
            "subjectAltName=" + names.map(alternative).joined(separator: ","),
            "-keyout", key.path, "-out", chain.path,
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(status: process.terminationStatus) }
        return ServerCertificate(
            source: names[0], names: names, chain: Array(try Data(contentsOf: chain)),
            key: Array(try Data(contentsOf: key)), isDefault: isDefault)
    }

    private static func alternative(_ name: String) -> String {
        if name.contains("://") { return "URI:" + name }
        return (Host.isNumeric(name) ? "IP:" : "DNS:") + name
    }

    /// For `orders.internal`, and one day of 2024.
    static let expired = ServerCertificate(
        source: "expired", names: ["orders.internal"],
        chain: Array(
            """
            -----BEGIN CERTIFICATE-----
            MIIBcjCCARegAwIBAgIBATAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA9vcmRlcnMu
            aW50ZXJuYWwwHhcNMjQwMTAxMDAwMDAwWhcNMjQwMTAyMDAwMDAwWjAaMRgwFgYD
            VQQDDA9vcmRlcnMuaW50ZXJuYWwwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT+
            Ct7Q/kKJVHq/d3DV5clG+sQ0Y66lLTIrp9ZU3eN8sH1JD3qJHUR5PuUm9KzCQvY8
            TY5Iqhzefh4bThT5U/rbo04wTDAaBgNVHREEEzARgg9vcmRlcnMuaW50ZXJuYWww
            DwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUS8Z45hGOL2GzGHDyXdbdsCMMwAUw
            CgYIKoZIzj0EAwIDSQAwRgIhANoxFi5FyfwWBf9x7oXripKy8FLVo9/dAsz4AGMF
            MVycAiEA3bPwFwfqwqv+qxu8TAzWqAnYjFH207ppF8wg2SvSL08=
            -----END CERTIFICATE-----
            """.utf8),
        key: Array(
            """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgseYDT1+1XMyL7CwT
            dXRIlI1Mwf/SBOtbWot3w0eaBV+hRANCAAT+Ct7Q/kKJVHq/d3DV5clG+sQ0Y66l
            LTIrp9ZU3eN8sH1JD3qJHUR5PuUm9KzCQvY8TY5Iqhzefh4bThT5U/rb
            -----END PRIVATE KEY-----
            """.utf8))
}
