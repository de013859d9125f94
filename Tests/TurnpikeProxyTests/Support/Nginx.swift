// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix

/// nginx on a port and in a directory of its own.
final class Nginx {
    static let largeSize = 3 << 20
    private static let binary = "/usr/sbin/nginx"

    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: binary) }

    let port: Int
    private let process: Process
    private let directory: URL

    private init(port: Int, process: Process, directory: URL) {
        self.port = port
        self.process = process
        self.directory = directory
    }

    static func start(keepaliveRequests: Int = 1000) async throws -> Nginx {
        let directory = FileManager.default.temporaryDirectory.appending(path: "nginx-\(UUID().uuidString)")
        let root = directory.appending(path: "root/v1")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        try Data(count: largeSize).write(to: root.appending(path: "large.bin"))
        // Chosen by the system and freed again: nobody else is likely to be given it at once.
        let probe = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = probe.localAddress?.port ?? 0
        try await probe.close().get()

        let file = directory.appending(path: "nginx.conf")
        try configuration(directory.path, port, keepaliveRequests).write(to: file, atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(filePath: binary)
        process.arguments = ["-p", directory.path, "-c", file.path, "-e", directory.path + "/error.log"]
        try process.run()
        let nginx = Nginx(port: port, process: process, directory: directory)
        try await nginx.listening()
        return nginx
    }

    private static func configuration(_ path: String, _ port: Int, _ keepaliveRequests: Int) -> String {
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(path)/\($0);" }
        return """
            daemon off; master_process off; pid \(path)/pid; error_log \(path)/error.log;
            events { worker_connections 64; }
            http {
                access_log off; \(temporary.joined(separator: " "))
                keepalive_requests \(keepaliveRequests);
                server {
                    listen 127.0.0.1:\(port);
                    location = /v1/small { if ($request_method = POST) { return 405; } default_type application/json; return 200 '{"small":true}\\n'; }
                    location / { root \(path)/root; }
                }
            }
            """
    }

    private func listening() async throws {
        for _ in 0..<500 {
            if let client = try? await RawClient.connect(port: port) { return await client.close() }
            guard process.isRunning else { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw RawClient.Failure(description: "nginx does not listen")
    }

    /// Does not wait: that would block a thread of the few that all tests share.
    func stop() {
        process.terminate()
        try? FileManager.default.removeItem(at: directory)
    }
}
