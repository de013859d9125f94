// SPDX-License-Identifier: Apache-2.0

import Foundation
import TurnpikeProxy

/// A certificate that signs itself, made by openssl for one test.
enum TestCertificate {
    struct Failed: Error { let status: Int32 }

    static func make(_ names: String..., isDefault: Bool = false) throws -> ServerCertificate {
        let folder = FileManager.default.temporaryDirectory.appending(path: "certificate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (chain, key) = (folder.appending(path: "c.pem"), folder.appending(path: "k.pem"))
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-subj", "/CN=\(names[0])", "-addext", "subjectAltName=" + names.map { "DNS:\($0)" }.joined(separator: ","),
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
}
