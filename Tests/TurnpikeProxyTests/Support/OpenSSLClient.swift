// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A client of TLS 1.2 that remembers its last session, by openssl's own program.
struct OpenSSLClient {
    private let session = FileManager.default.temporaryDirectory.appending(path: "session-\(UUID().uuidString)")

    func forget() { try? FileManager.default.removeItem(at: session) }

    /// - Returns: what the program says of the connection.
    func handshake(port: Int) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        let known = FileManager.default.fileExists(atPath: session.path) ? ["-sess_in", session.path] : []
        process.arguments =
            ["openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-servername", "api.acme.test", "-tls1_2"]
            + ["-sess_out", session.path] + known
        let output = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: said, as: UTF8.self)
    }
}
