// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix
import TurnpikeProxy
import TurnpikeTestSupport

/// nginx on a port and in a directory of its own.
final class Nginx {
    static let largeSize = 3 << 20
    private static let binary = "/usr/sbin/nginx"

    /// Whether there is one on this machine; where everything must be proven, there has to be.
    static var isExpected: Bool {
        FileManager.default.isExecutableFile(atPath: binary) || ProcessInfo.processInfo.environment["CI"] != nil
    }

    let port: Int
    private let process: ChildProcess
    private let directory: URL

    private init(port: Int, process: ChildProcess, directory: URL) {
        self.port = port
        self.process = process
        self.directory = directory
    }

    /// - Parameters:
    ///   - certificate: to listen with TLS instead.
    ///   - clients: the only ones who are served then.
    ///   - http2: whether it can be chosen then.
    static func start(
        keepaliveRequests: Int = 1000, certificate: ServerCertificate? = nil, onlyFor clients: [ServerCertificate] = [],
        http2: Bool = false
    ) async throws -> Nginx {
        let directory = FileManager.default.temporaryDirectory.appending(path: "nginx-\(UUID().uuidString)")
        let root = directory.appending(path: "root/v1")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        try Data(count: largeSize).write(to: root.appending(path: "large.bin"))
        // Chosen by the system and freed again: nobody else is likely to be given it at once.
        let probe = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = probe.localAddress?.port ?? 0
        try await probe.close().get()

        var tls = ""
        if let certificate {
            let (chain, key) = (directory.appending(path: "c.pem"), directory.appending(path: "k.pem"))
            try Data(certificate.chain).write(to: chain)
            try Data(certificate.key).write(to: key)
            tls = " ssl\(http2 ? " http2" : ""); ssl_certificate \(chain.path); ssl_certificate_key \(key.path)"
            if !clients.isEmpty {
                let known = directory.appending(path: "clients.pem")
                try Data(clients.flatMap(\.chain)).write(to: known)
                tls += "; ssl_verify_client on; ssl_client_certificate \(known.path)"
            }
        }
        let file = directory.appending(path: "nginx.conf")
        try configuration(directory.path, port, tls, keepaliveRequests).write(
            to: file, atomically: true, encoding: .utf8)
        let process = try ChildProcess(
            "nginx", binary, ["-p", directory.path, "-c", file.path, "-e", directory.path + "/error.log"],
            in: directory.path, log: directory.path + "/output.log", environment: [:]
        )
        let nginx = Nginx(port: port, process: process, directory: directory)
        try await nginx.listening()
        return nginx
    }

    private static func configuration(
        _ path: String, _ port: Int, _ tls: String, _ keepaliveRequests: Int
    ) -> String {
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(path)/\($0);" }
        return """
            daemon off; master_process off; pid \(path)/pid; error_log \(path)/error.log;
            events { worker_connections 64; }
            http {
                log_format arrived '$request_method $request_uri $status'; access_log \(path)/arrived.log arrived;
                \(temporary.joined(separator: " "))
                keepalive_requests \(keepaliveRequests);
                server {
                    listen 127.0.0.1:\(port)\(tls);
                    location = /v1/small { if ($request_method = POST) { return 405; } default_type application/json; return 200 '{"small":true}\\n'; }
                    location = /v1/who { return 200 $ssl_client_s_dn; }
                    # Reads the content to its end before it answers, so that half a request is none.
                    location /v1/read/ { proxy_pass http://127.0.0.1:\(port)/unlogged/; }
                    location /unlogged/ { access_log off; return 200 'read\\n'; }
                    location / { root \(path)/root; }
                }
            }
            """
    }

    /// Requests that have been answered, in their order: method, target and status.
    var arrived: [String] {
        let log = try? String(contentsOf: directory.appending(path: "arrived.log"), encoding: .utf8)
        return (log ?? "").split(separator: "\n").map(String.init)
    }

    private func listening() async throws {
        try await until("nginx listens") {
            if let status = process.status {
                throw ChildProcess.Ended(name: "nginx", status: status, output: process.output)
            }
            guard let client = try? await RawClient.connect(port: port) else { return false }
            await client.close()
            return true
        }
    }

    func stop() async throws {
        try await process.killHard()
        try FileManager.default.removeItem(at: directory)
    }
}
