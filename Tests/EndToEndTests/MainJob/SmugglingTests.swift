// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHTTP1
import Testing
import TurnpikeModel
import TurnpikeTestSupport

/// Bytes that parties on the way may read as different requests, through a real gateway to a real nginx: where one request
/// was sent, never do two arrive, and what arrives is what was answered.
///
/// Sources: RFC 9112 §11.2; Linhart et al. 2005; Kettle 2019 and 2022 (HTTP desync attacks).
@Suite(.serialized) struct SmugglingTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        /// Sent as it is; what an attacker wants to slip in asks for `/v1/smuggled`.
        var bytes: String
        /// Statuses of the answers, in order.
        var answers: [Int]
        var testDescription: String { name }
    }

    private static let host = "Host: api.acme.test\r\n"
    /// What is to be slipped in.
    private static let second = "GET /v1/smuggled HTTP/1.1\r\n\(host)\r\n"

    private static func post(_ fields: String, _ body: String, version: String = "HTTP/1.1") -> String {
        "POST /v1/first \(version)\r\n\(host)\(fields)\r\n\(body)"
    }

    /// Refused, whatever follows is never looked at.
    private static let refused: [Case] = [
        ("length beside chunked", post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + second)),
        ("chunked beside length", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n" + second)),
        ("two lengths", post("Content-Length: 0\r\nContent-Length: 44\r\n", second)),
        ("two lengths in one field", post("Content-Length: 0, 44\r\n", second)),
        ("a length with a sign", post("Content-Length: +0\r\n", second)),
        ("a negative length", post("Content-Length: -1\r\n", second)),
        ("a length in hexadecimal", post("Content-Length: 0x10\r\n", second)),
        ("an empty length", post("Content-Length:\r\n", second)),
        ("a space before the colon", post("Content-Length : 44\r\n", second)),
        ("a tab before the colon", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n" + second)),
        ("a folded field", post("X-A: b\r\n Content-Length: 44\r\n", second)),
        ("a folded transfer coding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n" + second)),
        ("a first field that is folded", "POST /v1/first HTTP/1.1\r\n \(host)\r\n" + second),
        ("an unknown coding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n" + second)),
        ("a coding twice", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n" + second)),
        ("identity", post("Transfer-Encoding: identity\r\nContent-Length: 44\r\n", second)),
        ("chunked and then another", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n" + second)),
        ("a second coding field", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "0\r\n\r\n" + second)),
        ("a vertical tab in the coding", post("Transfer-Encoding: \u{0B}chunked\r\n", "0\r\n\r\n" + second)),
        ("a coding in quotes", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n" + second)),
        ("a bare line feed in the head", "POST /v1/first HTTP/1.1\r\n\(host)X: y\nContent-Length: 44\r\n\r\n" + second),
        ("bare line feeds throughout", "GET /v1/first HTTP/1.1\nHost: api.acme.test\n\n" + second),
        ("a bare carriage return in a value", post("X: y\rContent-Length: 44\r\n", second)),
        ("a nul in a value", post("X: y\0z\r\n", second)),
        ("chunked in HTTP/1.0", post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n" + second, version: "HTTP/1.0")),
        ("no host", "GET /v1/first HTTP/1.1\r\n\r\n" + second),
        ("two hosts", "GET /v1/first HTTP/1.1\r\n\(host)Host: other.test\r\n\r\n" + second),
        ("a host with a path", "GET /v1/first HTTP/1.1\r\nHost: api.acme.test/x\r\n\r\n" + second),
        ("another host in the target", "GET http://other.test/v1 HTTP/1.1\r\n\(host)X:\0\r\n\r\n" + second),
        ("a space in the target", "GET /v1/first /v1/smuggled HTTP/1.1\r\n\(host)\r\n" + second),
        ("a tab in the request line", "GET\t/v1/first HTTP/1.1\r\n\(host)\r\n" + second),
        ("two spaces in the request line", "GET  /v1/first HTTP/1.1\r\n\(host)\r\n" + second),
        ("an unknown version", "GET /v1/first HTTP/1.9.1\r\n\(host)\r\n" + second),
        ("HTTP/0.9", "GET /v1/first\r\n" + second),
        ("a field without a name", post(": x\r\n", second)),
        ("a field without a colon", post("Content-Length 44\r\n", second)),
        ("a name that is no token", post("X(y): z\r\n", second)),
        ("a coding with a parameter", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n" + second)),
        ("a length with a vertical tab", post("Content-Length: \u{0B}44\r\n", second)),
        ("a length in two parts", post("Content-Length: 4 4\r\n", second)),
        ("an empty coding beside a length", post("Transfer-Encoding:\r\nContent-Length: 44\r\n", second)),
        (
            "a host with a port that is none",
            "GET /v1/first HTTP/1.1\r\nHost: api.acme.test:80@other.test\r\n\r\n" + second
        ),
        ("an encoded line break in the path", "GET /v1/first%0d%0aX:y HTTP/1.1\r\n\(host)\r\n" + second),
    ].map { Case(name: $0, bytes: $1, answers: [400]) }

    /// The head is good and goes on to the upstream, which must never take the broken content for whole.
    private static let broken: [Case] = [
        ("a chunk size with a sign", "+0\r\n\r\n"), ("a chunk size in 0x", "0x0\r\n\r\n"),
        ("a chunk size that is none", "z\r\n\r\n"),
        ("a chunk size with a space before it", " 0\r\n\r\n"), ("a bare line feed after a size", "0\n\n"),
        ("a chunk longer than it says", "1\r\nxy\r\n0\r\n\r\n"),
        ("a chunk that ends in a line feed", "1\r\nx\n0\r\n\r\n"),
        ("a bare line feed in an extension", "0;a=b\nc\r\n\r\n"),
        ("a length in the trailer", "0\r\nContent-Length: 1\r\n\r\n"),
        ("a host in the trailer", "0\r\nHost: other.test\r\n\r\n"),
        ("a trailer that is folded", "0\r\nX: y\r\n z\r\n\r\n"),
        ("a bare carriage return in an extension", "0;a=b\rc\r\n\r\n"),
        ("a chunk size with a space behind it", "0 \r\n\r\n"),
    ].map { Case(name: $0, bytes: post("Transfer-Encoding: chunked\r\n", $1 + second), answers: [400]) }

    /// Not even small enough, or of the right version, to be judged.
    private static let beyond: [Case] = [
        Case(
            name: "a length too large for any integer",
            bytes: post("Content-Length: 18446744073709551616\r\n", second), answers: [413]),
        Case(
            name: "a chunk size too large for any integer",
            bytes: post("Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFFF\r\n\r\n" + second), answers: [413]),
        Case(
            // What follows is no frame of HTTP/2, and is told so in frames.
            name: "the preface of HTTP/2", bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + second, answers: []),
    ]

    /// Nothing wrong with these: what is sent is what arrives.
    private static let sound: [Case] = [
        Case(
            name: "content that looks like a request",
            bytes: post("Content-Length: \(second.utf8.count)\r\nConnection: close\r\n", second), answers: [200]),
        Case(
            name: "chunks that look like a request",
            bytes: post(
                "Transfer-Encoding: chunked\r\nConnection: close\r\n",
                String(second.utf8.count, radix: 16) + "\r\n" + second + "\r\n0\r\n\r\n"), answers: [200]),
        Case(
            name: "content of a GET",
            bytes: "GET /v1/first HTTP/1.1\r\n\(host)Connection: close\r\nContent-Length: \(second.utf8.count)\r\n\r\n"
                + second, answers: [200]),
        Case(
            name: "a wish to have the length taken out",
            bytes: post("Connection: close, Content-Length\r\nContent-Length: \(second.utf8.count)\r\n", second),
            answers: [200]),
        Case(
            name: "a wish to have the coding taken out",
            bytes: post(
                "Connection: close, Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n",
                String(second.utf8.count, radix: 16) + "\r\n" + second + "\r\n0\r\n\r\n"), answers: [200]),
        Case(
            name: "fields that only look like those of the framing",
            bytes: "GET /v1/first HTTP/1.1\r\n\(host)Connection: close\r\nContent_Length: 44\r\n"
                + "X-Transfer-Encoding: chunked\r\nTransfer_Encoding: chunked\r\n\r\n", answers: [200]),
        Case(
            name: "fields that are those of the gateway but for underscores",
            bytes: "GET /v1/first HTTP/1.1\r\n\(host)Connection: close\r\nX_Forwarded_Proto: https\r\n"
                + "X-Forwarded_Proto: https\r\nX_FORWARDED_PORT: 443\r\nX-Forwarded-Port: 443\r\nx_real_ip: 192.0.2.1\r\n\r\n",
            answers: [200]),
        Case(
            name: "requests one after the other",
            bytes: post("Content-Length: 2\r\n", "ab") + "GET /v1/first HTTP/1.1\r\n\(host)Connection: close\r\n\r\n",
            answers: [200, 200]),
        Case(
            name: "a wish for HTTP/2 on this connection",
            bytes: "GET /v1/first HTTP/1.1\r\n\(host)Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n"
                + "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", answers: [200]),
        Case(
            name: "a wish for WebSocket that is not granted",
            bytes: "GET /v1/first HTTP/1.1\r\n\(host)Connection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n",
            answers: [200]),
    ]

    @Test(arguments: ["epoll", "nio"])
    func `where one request was sent, never do two arrive`(transport: String) async throws {
        try await Stage.with { stage in
            let upstream = try await NginxUpstream.start(on: stage)
            let plane = try await ControlPlaneProcess.start(on: stage)
            let gateway = try await GatewayProcess.start(
                joining: plane, on: stage, options: ["--transport", transport])
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            try await plane.call(
                .PUT, "/v1/tenants/acme/services/orders",
                ["endpoints": [["host": "127.0.0.1", "port": .integer(Int64(upstream.port))]]])
            try await plane.call(
                .PUT, "/v1/tenants/acme/routes/orders?wait=applied&timeout=30s",
                [
                    "match": ["hosts": ["api.acme.test"], "paths": [["prefix": "/v1"]]],
                    "backends": [["service": "orders"]], "upgrades": ["protocols": ["websocket"]],
                ])
            let port = try #require(gateway.url.split(separator: ":").last.flatMap { UInt16($0) })
            for (number, each) in (Self.refused + Self.broken + Self.beyond + Self.sound).enumerated() {
                let answers = try RawSocket.statuses(sending: each.bytes, to: port)
                #expect(answers == each.answers, "\(each.name)")
                let arrived = try await upstream.requests(before: number, through: gateway)
                #expect(!arrived.contains { $0.contains("smuggled") }, "\(each.name): \(arrived)")
                #expect(arrived.count == answers.count { $0 == 200 }, "\(each.name): \(arrived)")
                // Who sent them and how is the gateway's to say, and nobody else's.
                #expect(arrived.allSatisfy { $0.hasSuffix(" http - - 200") }, "\(each.name): \(arrived)")
            }
            #expect(try await gateway.process.terminate() == 0)
            #expect(try await plane.process.terminate() == 0)
        }
    }
}

/// nginx as an upstream that writes down each request that it took for whole.
private struct NginxUpstream {
    let port: Int
    private let log: String

    static func start(on stage: Stage) async throws -> NginxUpstream {
        let port = try await freePort()
        let folder = stage.folder + "/upstream"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let configuration = """
            worker_processes 1;
            daemon off;
            pid upstream.pid;
            \(geteuid() == 0 ? "user root;" : "")
            events {}
            http {
                # Names are read as CGI's, in which _ and - are the same.
                underscores_in_headers on;
                log_format arrived '$request_method $request_uri $request_length '
                    '$http_x_forwarded_proto $http_x_forwarded_port $http_x_real_ip $status';
                access_log arrived.log arrived;
                client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp;
                uwsgi_temp_path temp; scgi_temp_path temp;
                server {
                    listen 127.0.0.1:\(port);
                    # Read by nginx to its end before it answers, so that half a request is none.
                    location / { proxy_pass http://127.0.0.1:\(port)/answer/; }
                    location /answer/ { access_log off; return 200 ok; }
                }
            }
            """
        try configuration.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
        _ = try stage.start("nginx", "/usr/sbin/nginx", ["-e", "stderr", "-p", folder, "-c", folder + "/nginx.conf"])
        try await until("nginx listens") { (try? RawSocket.connect(to: UInt16(port)).close()) != nil }
        return NginxUpstream(port: port, log: folder + "/arrived.log")
    }

    /// What has arrived since the last call, without the request by which this finds out that all of it is written down.
    func requests(before number: Int, through gateway: GatewayProcess) async throws -> [String] {
        let end = "/v1/end-\(number)"
        #expect(try await gateway.get(end).status == 200)
        try await until("nginx has written \(end) down") { try lines().contains { $0.contains(end + " ") } }
        let all = try lines()
        let start = all.firstIndex { $0.contains("/v1/end-\(number - 1) ") }.map { $0 + 1 } ?? 0
        // A request that was cut off within its content is written down with a status of nginx's own.
        return all[start...].filter { !$0.contains(end + " ") && $0.hasSuffix(" 200") }
    }

    private func lines() throws -> [String] {
        ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }
}

/// A socket on which a test says exactly what it wants to.
private struct RawSocket {
    private let descriptor: Int32

    struct Failure: Error {
        var code: Int32
    }

    static func connect(to port: UInt16) throws -> RawSocket {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw Failure(code: code)
        }
        return RawSocket(descriptor: descriptor)
    }

    func close() { Glibc.close(descriptor) }

    /// Sends the bytes and reads to the end of the connection, at most ten seconds.
    ///
    /// - Returns: the answers' statuses.
    static func statuses(sending text: String, to port: UInt16) throws -> [Int] {
        let socket = try connect(to: port)
        defer { socket.close() }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(
            socket.descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var bytes = Array(text.utf8)
        guard send(socket.descriptor, &bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Failure(code: errno)
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(socket.descriptor, &buffer, buffer.count, 0), count > 0 {
            answer += buffer[..<count]
        }
        return String(decoding: answer, as: UTF8.self).matches(of: /HTTP\/1\.1 (\d{3})\s/).compactMap { Int($0.1) }
            .filter { $0 >= 200 }
    }
}
