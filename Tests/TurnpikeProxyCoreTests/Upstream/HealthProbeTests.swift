// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// One question to an endpoint, byte by byte.
@Suite struct HealthProbeTests {
    private func probe(_ check: HealthCheck, endpoint: (String, Int) = ("10.0.0.1", 8080)) throws -> HealthProbe {
        let rig = try ConnectionRig([Sample.route(), Sample.cluster(endpoints: [endpoint], healthCheck: check)])
        rig.advance(by: .second)
        return try #require(rig.gateway.takeProbes().first)
    }

    private func give(_ probe: HealthProbe, _ text: String) {
        Array(text.utf8).withUnsafeBytes { probe.received($0) }
    }

    @Test(
        arguments: [
            (HealthCheck.HTTP(path: "/healthz"), ("10.0.0.1", 8080), "10.0.0.1:8080"),
            (HealthCheck.HTTP(path: "/healthz?deep=1"), ("10.0.0.1", 80), "10.0.0.1"),
            (HealthCheck.HTTP(path: "/"), ("2001:db8::1", 81), "[2001:db8::1]:81"),
            (HealthCheck.HTTP(path: "/", host: "orders.internal"), ("10.0.0.1", 81), "orders.internal"),
        ])
    func `the request is exactly this`(http: HealthCheck.HTTP, endpoint: (String, Int), host: String) throws {
        let probe = try probe(HealthCheck(.http(http)), endpoint: endpoint)
        #expect(
            String(decoding: probe.connected(), as: UTF8.self)
                == "GET \(http.path) HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: turnpike-health\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        )
        #expect(probe.outcome == nil)
    }

    @Test(
        arguments: [
            (nil, Duration.seconds(1), "1000m", "5\r\n\0\0\0\0\0"),
            ("orders.Orders", .milliseconds(10), "10m", "14\r\n\0\0\0\0\u{F}\n\rorders.Orders"),
        ] as [(String?, Duration, String, String)])
    func `the call of gRPC is exactly this, over HTTP-2`(
        service: String?, timeout: Duration, told: String, content: String
    ) throws {
        let probe = try probe(HealthCheck(.grpc(.init(service: service)), timeout: timeout))
        #expect(probe.address.wire == UpstreamWire(speaksHTTP2: true))
        #expect(
            String(decoding: probe.connected(), as: UTF8.self)
                == "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nGrpc-Timeout: \(told)\r\nContent-Type: application/grpc\r\nUser-Agent: turnpike-health\r\nTransfer-Encoding: chunked\r\n\r\n\(content)\r\n0\r\n\r\n"
        )
    }

    private static let grpcHead =
        "HTTP/1.1 200 \r\ncontent-type: application/grpc+proto\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    private static let serving = "7\r\n\0\0\0\0\u{2}\u{8}\u{1}\r\n"

    @Test(
        arguments: [
            (grpcHead + serving + "0\r\ngrpc-status: 0\r\n\r\n", HealthProbe.Outcome.good, nil),
            ("HTTP/1.1 103 \r\n\r\n" + grpcHead + serving + "0\r\ngrpc-status: 0\r\n\r\n", .good, nil),
            // The message in two chunks.
            (grpcHead + "5\r\n\0\0\0\0\u{2}\r\n2\r\n\u{8}\u{1}\r\n0\r\ngrpc-status: 0\r\n\r\n", .good, nil),
            (grpcHead + "7\r\n\0\0\0\0\u{2}\u{8}\u{2}\r\n0\r\ngrpc-status: 0\r\n\r\n", .bad(.notServing), nil),
            (grpcHead + "5\r\n\0\0\0\0\0\r\n0\r\ngrpc-status: 0\r\n\r\n", .bad(.notServing), nil),
            (grpcHead + serving + "0\r\ngrpc-status: 13\r\n\r\n", .bad(.grpcStatus), 13),
            (grpcHead + "0\r\ngrpc-status: 4\r\n\r\n", .bad(.grpcStatus), 4),
            (
                "HTTP/1.1 200 \r\ncontent-type: application/grpc\r\ngrpc-status: 5\r\ncontent-length: 0\r\n\r\n",
                .bad(.grpcStatus), 5
            ),
            (
                "HTTP/1.1 200 \r\ncontent-type: application/grpc\r\ngrpc-status: 0\r\ncontent-length: 0\r\n\r\n",
                .bad(.malformed), nil
            ),
            (grpcHead + "0\r\ngrpc-status: 0\r\n\r\n", .bad(.malformed), nil),
            (grpcHead + serving + "0\r\n\r\n", .bad(.malformed), nil),
            (grpcHead + serving + "0\r\ngrpc-status: 0\r\ngrpc-status: 0\r\n\r\n", .bad(.malformed), nil),
            (grpcHead + serving + "0\r\ngrpc-status: 00\r\n\r\n", .bad(.malformed), nil),
            (grpcHead + serving + "0\r\ngrpc-status: OK\r\n\r\n", .bad(.malformed), nil),
            (grpcHead + serving + serving + "0\r\ngrpc-status: 0\r\n\r\n", .bad(.malformed), nil),
            ("HTTP/1.1 503 \r\ncontent-type: application/grpc\r\n\r\n", .bad(.status), 503),
            ("HTTP/1.1 200 \r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n", .bad(.malformed), nil),
            ("HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n", .bad(.malformed), nil),
            ("SSH-2.0-OpenSSH\r\n", .bad(.malformed), nil),
        ] as [(String, HealthProbe.Outcome, Int?)], [1, 9, 4096])
    func `an answer of gRPC is good where it says SERVING and ends well, however it comes`(
        answer: (text: String, outcome: HealthProbe.Outcome, status: Int?), pieces: Int
    ) throws {
        let probe = try probe(HealthCheck(.grpc(.init(service: "orders.Orders"))))
        _ = probe.connected()
        let bytes = Array(answer.text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            bytes[start..<min(start + pieces, bytes.count)].withUnsafeBytes { probe.received($0) }
        }
        #expect(probe.outcome == answer.outcome && probe.status == answer.status)
    }

    @Test func `an answer of gRPC that ends before its status is no answer`() throws {
        let probe = try probe(HealthCheck(.grpc(.init())))
        _ = probe.connected()
        give(probe, Self.grpcHead + Self.serving)
        #expect(probe.outcome == nil)
        probe.closed()
        #expect(probe.outcome == .bad(.closed))
    }

    @Test func `another port may be asked`() throws {
        let probe = try probe(HealthCheck(.http(.init(path: "/")), port: 9000))
        #expect(probe.address == EndpointAddress(host: "10.0.0.1", port: 9000))
        #expect(String(decoding: probe.connected(), as: UTF8.self).contains("Host: 10.0.0.1:9000\r\n"))
    }

    @Test(
        arguments: [
            ("HTTP/1.1 200 OK\r\n\r\n", HealthProbe.Outcome.good),
            ("HTTP/1.0 204 No Content\r\n\r\n", .good),
            ("HTTP/1.1 299 X\r\nContent-Length: 5\r\n\r\nab", .good),
            ("HTTP/1.1 103 X\r\n\r\nHTTP/1.1 100 X\r\n\r\nHTTP/1.1 200 X\r\n\r\n", .good),
            ("HTTP/1.1 301 X\r\n\r\n", .bad(.status)), ("HTTP/1.1 503 X\r\n\r\n", .bad(.status)),
            ("HTTP/2 200\r\n\r\n", .bad(.malformed)), ("SSH-2.0-OpenSSH\r\n", .bad(.malformed)),
            ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", .bad(.malformed)),
        ], [1, 7, 4096])
    func `an answer counts once its head is whole, however it comes`(
        answer: (text: String, outcome: HealthProbe.Outcome), pieces: Int
    ) throws {
        let probe = try probe(HealthCheck(.http(.init(path: "/"))))
        _ = probe.connected()
        let bytes = Array(answer.text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            bytes[start..<min(start + pieces, bytes.count)].withUnsafeBytes { probe.received($0) }
        }
        #expect(probe.outcome == answer.outcome)
    }

    @Test func `the statuses that are good can be chosen`() throws {
        for (status, isGood) in [(200, false), (302, true), (399, true), (401, true), (404, false), (503, false)] {
            let probe = try probe(
                HealthCheck(.http(.init(path: "/", statuses: [.hundred(3), .code(401)]))))
            _ = probe.connected()
            give(probe, "HTTP/1.1 \(status) X\r\n\r\n")
            #expect((probe.outcome == .good) == isGood, "\(status)")
        }
    }

    @Test func `heads without end, or of interim answers without end, are not read for ever`() throws {
        for question in [HealthCheck.Question.http(.init(path: "/")), .grpc(.init())] {
            for piece in ["HTTP/1.1 103 X\r\n\r\n", "HTTP/1.1 200 X\r\n" + String(repeating: "a", count: 60_000)] {
                let probe = try probe(HealthCheck(question))
                _ = probe.connected()
                for _ in 0..<5000 { give(probe, piece) }
                #expect(probe.outcome == .bad(.malformed))
            }
        }
    }

    @Test func `what was judged first holds`() throws {
        let probe = try probe(HealthCheck(.http(.init(path: "/"))))
        _ = probe.connected()
        give(probe, "HTTP/1.1 20")
        probe.closed()
        give(probe, "0 OK\r\n\r\n")
        probe.timedOut()
        #expect(probe.outcome == .bad(.closed))
    }

    @Test func `a connection is all that TCP asks for`() throws {
        let good = try probe(HealthCheck(.tcp))
        #expect(good.connected().isEmpty && good.outcome == .good)
        let bad = try probe(HealthCheck(.tcp))
        bad.connectFailed()
        #expect(bad.outcome == .bad(.connect))
        let silent = try probe(HealthCheck(.tcp, timeout: .milliseconds(300)))
        #expect(silent.deadline == 2 * .second + 300 * .millisecond)
        silent.timedOut()
        #expect(silent.outcome == .bad(.timeout))
    }
}
