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
        for piece in ["HTTP/1.1 103 X\r\n\r\n", "HTTP/1.1 200 X\r\n" + String(repeating: "a", count: 60_000)] {
            let probe = try probe(HealthCheck(.http(.init(path: "/"))))
            _ = probe.connected()
            for _ in 0..<5000 { give(probe, piece) }
            #expect(probe.outcome == .bad(.malformed))
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
