// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// Retries of one request, step by step.
@Suite struct RetryTests {
    private let get = "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n\r\n"
    private let empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    private let unavailable = "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"

    private func rig(
        _ retries: Retries, endpoints: [(String, Int)] = [("10.0.0.1", 80), ("10.0.0.2", 80)],
        requestTimeout: Duration? = nil, extra: [CompiledResource] = []
    ) throws -> ConnectionRig {
        try ConnectionRig(
            [
                Sample.route(),
                Sample.cluster(endpoints: endpoints, requestTimeout: requestTimeout, retries: retries),
            ] + extra)
    }

    enum Failure: CaseIterable { case refused, reset, halfAHead, silence, status500, status503, nonsense }

    /// Lets the first try of a request fail.
    private func fail(_ failure: Failure, _ rig: ConnectionRig) throws {
        let id = try #require(rig.connecting)
        guard failure != .refused else { return rig.does { $0.upstreamFailed(id) } }
        try rig.connect()
        switch failure {
        case .refused: break
        case .reset: rig.does { $0.upstreamClosed(id) }
        case .halfAHead:
            rig.receive(from: id, "HTTP/1.1 2")
            rig.does { $0.upstreamClosed(id) }
        case .silence: rig.passDeadline()
        case .status500: rig.receive(from: id, "HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\nab")
        case .status503: rig.receive(from: id, unavailable)
        case .nonsense: rig.receive(from: id, "SMTP\r\n\r\n")
        }
    }

    private static let covered: [(Retries.Condition, [Failure])] = [
        (.connectFailure, [.refused]), (.reset, [.reset, .halfAHead]), (.timeout, [.silence]),
        (.serverErrors, [.status500, .status503]), (.status(503), [.status503]),
    ]

    @Test(arguments: 0..<5, ["GET", "DELETE", "POST"])
    func `a request is tried again after what the rule names, where its method allows`(
        index: Int, method: String
    ) throws {
        let (condition, failures) = Self.covered[index]
        for failure in Failure.allCases {
            let rig = try rig(Retries(on: [condition]))
            rig.receive("\(method) /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n\r\n")
            let first = rig.connecting
            try fail(failure, rig)
            let isRetried = failures.contains(failure) && (method != "POST" || failure == .refused)
            #expect(rig.client.isEmpty == isRetried, "\(condition.text), \(method), \(failure)")
            guard isRetried else {
                let expected: [Failure: Int] = [.refused: 503, .silence: 504, .status500: 500, .status503: 503]
                #expect(rig.status == expected[failure] ?? 502)
                continue
            }
            if rig.connecting == nil || rig.connecting == first { rig.passDeadline() }
            let second = try rig.connect()
            #expect(rig.endpoint(of: second)?.host == "10.0.0.2")
            rig.receive(from: second, empty)
            #expect(rig.status == 200 && rig.observer.exchanges.map(\.attempts) == [2])
            #expect(rig.observer.failures.count == 1 && rig.recorder.total.requests == 1)
        }
    }

    @Test func `between two tries there is a pause of the back-off's length`() throws {
        let rig = try rig(Retries(on: [.serverErrors]))
        let first = try rig.exchange(get)
        rig.receive(from: first, unavailable)
        #expect(rig.actions.last == .detach(first) && rig.client.isEmpty)
        #expect(rig.connection.deadline <= rig.now + 25 * .millisecond)
        #expect(rig.readsClient && !rig.connection.isIdle)
        rig.passDeadline()
        #expect(rig.connecting != nil)
    }

    @Test func `another endpoint is tried at once where one cannot be reached, and the same one after a pause`() throws
    {
        let several = try rig(Retries(on: [.connectFailure]))
        several.receive(get)
        try fail(.refused, several)
        #expect(several.connecting != nil)

        let single = try rig(Retries(on: [.connectFailure]), endpoints: [("10.0.0.1", 80)])
        single.receive(get)
        let first = try #require(single.connecting)
        single.does { $0.upstreamFailed(first) }
        #expect(single.connecting == first && single.client.isEmpty)
        single.passDeadline()
        let second = try single.connect()
        #expect(second != first)
        single.receive(from: second, empty)
        #expect(single.status == 200)
    }

    @Test func `after the last try the client gets what that came to`() throws {
        let rig = try rig(Retries(attempts: 3, on: [.serverErrors]))
        rig.receive(get)
        for number in 500..<504 {
            if rig.connecting == nil, number > 500 { rig.passDeadline() }
            if let id = rig.connecting {
                rig.does { $0.upstreamConnected(id) }
                rig.receive(from: id, "HTTP/1.1 \(number) X\r\nContent-Length: 0\r\n\r\n")
            } else {
                guard case .attach(let id)? = rig.actions.last else { break }
                rig.receive(from: id, "HTTP/1.1 \(number) X\r\nContent-Length: 0\r\n\r\n")
            }
        }
        #expect(rig.status == 503 && rig.observer.exchanges.map(\.attempts) == [4])
        #expect(rig.observer.failures == [.status, .status, .status])
    }

    @Test func `a quota is spent once, whatever the number of tries`() throws {
        let rig = try rig(Retries(on: [.serverErrors]), extra: [Sample.quota()])
        rig.receive(get)
        rig.grant(10)
        let first = try rig.connect()
        rig.receive(from: first, unavailable)
        rig.passDeadline()
        rig.receive(from: try rig.connect(), empty)
        #expect(rig.status == 200 && rig.recorder.consumed.values.reduce(0, +) == 1)
        #expect(rig.recorder.total.units == 1)
    }

    // MARK: - What may not be repeated

    @Test func `once any of the answer is with the client there is no other try`() throws {
        let rig = try rig(Retries(on: [.reset, .timeout, .serverErrors]))
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
        rig.does { $0.upstreamClosed(id) }
        #expect(rig.actions.last == .abortClient)

        let hinted = try self.rig(Retries(on: [.reset, .timeout, .serverErrors]))
        let second = try hinted.exchange(get)
        hinted.receive(from: second, "HTTP/1.1 103 Early Hints\r\n\r\n")
        hinted.receive(from: second, unavailable)
        #expect(hinted.client.contains("HTTP/1.1 503 X"))
    }

    @Test func `content is sent again as it was, as far as it had come, and the rest behind it`() throws {
        let rig = try rig(Retries(on: [.reset]))
        let first = try rig.exchange(
            "PUT /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n")
        rig.receive("3\r\nfgh")
        let sent = try #require(rig.sent[first])
        rig.does { $0.upstreamClosed(first) }
        rig.receive("\r\n")
        if rig.connecting == first { rig.passDeadline() }
        let second = try rig.connect()
        rig.receive("0\r\n\r\n")
        #expect(rig.sent[second] == sent + "\r\n0\r\n\r\n" && sent.hasSuffix("5\r\nabcde\r\n3\r\nfgh"))
        rig.receive(from: second, empty)
        #expect(rig.status == 200)
    }

    @Test(arguments: [(64 << 10, true), (64 << 10 + 1, false)])
    func `content that is too long to be held is not sent again`(length: Int, isRetried: Bool) throws {
        let rig = try rig(Retries(on: [.reset]))
        let id = try rig.exchange(
            "PUT /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: \(length)\r\n\r\n")
        let content = String(repeating: "x", count: length)
        rig.receive(String(content.prefix(1000)))
        rig.receive(String(content.dropFirst(1000)))
        #expect(rig.sent[id]?.hasSuffix(content) == true)
        rig.does { $0.upstreamClosed(id) }
        #expect(rig.client.isEmpty == isRetried)
        guard isRetried else { return }
        if rig.connecting == id { rig.passDeadline() }
        let second = try rig.connect()
        #expect(rig.sent[second] == rig.sent[id])
    }

    @Test func `a client that asked first is told to go on once`() throws {
        let rig = try rig(Retries(on: [.serverErrors]))
        let first = try rig.exchange(
            "PUT /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        rig.receive(from: first, unavailable)
        rig.passDeadline()
        let second = try rig.connect()
        rig.receive("abc")
        rig.receive(from: second, empty)
        #expect(rig.client.components(of: "100 Continue") == 1 && rig.sent[second]?.hasSuffix("abc") == true)
    }

    // MARK: - Bounds

    @Test func `an empty budget leaves the answer to the client`() throws {
        let rig = try rig(Retries(on: [.serverErrors], budget: .init(percent: 1, minPerSecond: 0)))
        let id = try rig.exchange(get)
        rig.receive(from: id, unavailable)
        #expect(rig.client.contains("HTTP/1.1 503 X"))
    }

    @Test func `a try that takes too long is given up for another, within the time of the whole`() throws {
        let rig = try rig(
            Retries(
                attempts: 10, on: [.timeout], perTryTimeout: .milliseconds(300),
                backOff: .init(baseInterval: .milliseconds(1))), requestTimeout: .seconds(1))
        let start = rig.now
        var ids = [try rig.exchange(get)]
        #expect(rig.connection.deadline == start + 300 * .millisecond)
        while rig.client.isEmpty {
            rig.passDeadline()
            guard rig.client.isEmpty, let id = rig.connecting, id != ids.last else { continue }
            ids.append(try rig.connect())
        }
        #expect(rig.status == 504 && rig.now == start + .second && ids.count == 4)
        for id in ids { #expect(rig.actions.contains(.closeUpstream(id))) }
    }

    @Test func `no retry begins that would come too late`() throws {
        let rig = try rig(
            Retries(on: [.serverErrors], backOff: .init(baseInterval: .seconds(10))), requestTimeout: .milliseconds(1))
        let id = try rig.exchange(get)
        rig.receive(from: id, unavailable)
        #expect(rig.client.contains("HTTP/1.1 503 X"))
    }

    @Test func `the time of the whole bounds an answer that comes piece by piece`() throws {
        let rig = try rig(Retries(on: [.reset]), requestTimeout: .seconds(8))
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        for _ in 0..<3 {
            rig.advance(by: 2 * .second)
            rig.receive(from: id, "x")
        }
        #expect(rig.actions.last != .abortClient)
        rig.passDeadline()
        #expect(rig.actions.last == .abortClient && rig.now == 9 * .second)
    }

    @Test func `a slow client is its own fault, whatever a try may take`() throws {
        let rig = try rig(Retries(on: [.timeout], perTryTimeout: .milliseconds(100)))
        let id = try rig.exchange("PUT /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 6\r\n\r\nabc")
        rig.advance(by: 10 * .second)
        rig.does { $0.timerFired() }
        rig.receive("def")
        #expect(rig.connection.deadline == rig.now + 100 * .millisecond)
        rig.receive(from: id, empty)
        #expect(rig.status == 200 && rig.observer.failures.isEmpty)
    }

    @Test func `a client that leaves during the pause is counted once, and nothing else happens`() throws {
        let rig = try rig(Retries(on: [.serverErrors]))
        let id = try rig.exchange(get)
        rig.receive(from: id, unavailable)
        rig.does { $0.clientClosed() }
        rig.advance(by: .second)
        rig.does { $0.timerFired() }
        #expect(rig.observer.exchanges.map(\.status) == [499] && rig.recorder.total.requests == 1)
        #expect(rig.gateway.upstreams.idleCount == 1 && rig.gateway.upstreams.openCount == 1)
    }

    @Test func `an answer thrown away keeps its connection only where it was whole`() throws {
        let rig = try rig(Retries(on: [.serverErrors]))
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 500 X\r\nContent-Length: 10\r\n\r\nabc")
        #expect(rig.actions.last == .closeUpstream(id) && rig.gateway.upstreams.openCount == 0)
    }
}
