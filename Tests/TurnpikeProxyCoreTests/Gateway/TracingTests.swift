// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// Which requests are traced, what upstreams get to know of it, and what the observer does.
@Suite struct TracingTests {
    private static let sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private static let unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    private func rig(
        share: Double, _ resources: [CompiledResource] = [Sample.route(), Sample.cluster()], speaksHTTP2: Bool = false
    ) throws -> ConnectionRig {
        try ConnectionRig(resources, sampling: TraceSampling(share: share), speaksHTTP2: speaksHTTP2)
    }

    private func get(_ fields: String = "", path: String = "/v1/orders") -> String {
        "GET \(path) HTTP/1.1\r\nHost: api.acme.test:8080\r\n\(fields)\r\n"
    }

    /// What upstreams got of this field.
    private func values(_ name: String, _ sent: String?) -> [String] {
        (sent ?? "").split(separator: "\r\n").filter { $0.hasPrefix("\(name): ") }.map {
            String($0.dropFirst(name.count + 2))
        }
    }

    private func text(_ trace: RequestTrace, _ span: UInt64) -> String {
        func hex(_ number: UInt64) -> String {
            let digits = String(number, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        return "00-\(hex(trace.traceHigh))\(hex(trace.traceLow))-\(hex(span))-01"
    }

    @Test func `a share of the traces that begin here is taken, by the random part of their ids`() {
        var random = RandomSource(seed: 3)
        let traces = (0..<20_000).map { _ in TraceParent(random: &random) }
        for share in [0, 0.01, 0.25, 1] {
            let sampling = TraceSampling(share: share)
            let taken = traces.count { sampling.takes($0) }
            #expect(abs(Double(taken) / 20_000 - share) < 0.01, "\(share): \(taken)")
            #expect((share == 0) == (taken == 0))
        }
        // Whoever samples more takes all that one who samples less does.
        #expect(traces.allSatisfy { !TraceSampling(share: 0.1).takes($0) || TraceSampling(share: 0.2).takes($0) })
        #expect(TraceSampling(share: .nan) == TraceSampling(share: 0))
        #expect(TraceSampling(share: 7) == TraceSampling(share: 1))
    }

    @Test func `a request that is traced by its client keeps its trace, and its upstream's parent is the try`() throws {
        let rig = try rig(share: 0)
        rig.receive(get("traceparent: \(Self.sampled)\r\ntracestate: a=1,b=2\r\n", path: "/v1/orders?secret=1"))
        rig.advance(by: 1000)
        let id = try rig.connect()
        rig.advance(by: 2000)
        rig.receive(from: id, ok)
        let trace = try #require(rig.observer.traces.first)
        let attempt = try #require(trace.tries.first)
        #expect(trace.parent == 0xb7ad_6b71_6920_3331 && trace.tries.count == 1)
        #expect(values("traceparent", rig.sent[id]) == [text(trace, attempt.span)])
        #expect(values("traceparent", rig.sent[id])[0].hasPrefix("00-0af7651916cd43dd8448eb211c80319c-"))
        #expect(values("tracestate", rig.sent[id]) == ["a=1,b=2"])
        #expect(Set([trace.span, attempt.span, 0xb7ad_6b71_6920_3331]).count == 3)
        #expect(attempt.startedAt == trace.startedAt && attempt.endedAt == trace.startedAt + 3000)
        #expect(attempt.status == 200 && attempt.failure == nil && !attempt.isReused)
        #expect(attempt.service == "orders" && attempt.endpoint.text == "10.0.0.1:80")
        #expect(trace.upstreamPath == "/v1/orders")
        #expect(trace.host == "api.acme.test" && trace.port == 8080 && trace.client == "192.0.2.7")
        #expect(trace.version == .http11 && !trace.wasCutShort)
    }

    @Test(arguments: [0, 1])
    func `a client that does not trace is believed, and so is what it says to the upstream`(share: Double) throws {
        let rig = try rig(share: share)
        let id = try rig.exchange(get("traceparent: \(Self.unsampled)\r\ntracestate: a=1\r\n"))
        rig.receive(from: id, ok)
        #expect(rig.observer.exchanges.count == 1 && rig.observer.traces.isEmpty)
        #expect(values("traceparent", rig.sent[id]) == [Self.unsampled])
        #expect(values("tracestate", rig.sent[id]) == ["a=1"])
    }

    @Test func `at a share of nothing, or without tracing, a request without a decision is not traced`() throws {
        for sampling in [TraceSampling(share: 0), nil] {
            let rig = try ConnectionRig([Sample.route(), Sample.cluster()], sampling: sampling)
            var id = try rig.exchange(get())
            for _ in 0..<50 {
                rig.receive(from: id, ok)
                rig.receive(get())
                if let connecting = rig.connecting { id = connecting }
            }
            #expect(rig.observer.traces.isEmpty && rig.observer.exchanges.count == 50)
            let sent = values("traceparent", rig.sent[id])
            #expect(sent.count == 51 && sent.allSatisfy { $0.hasSuffix("-00") })
        }
    }

    @Test func `a trace that begins here has no parent and is new for each request`() throws {
        let rig = try rig(share: 1)
        let id = try rig.exchange(get("tracestate: stray=1\r\n"))
        rig.receive(from: id, ok)
        rig.receive(get())
        rig.receive(from: id, ok)
        let traces = rig.observer.traces
        #expect(traces.count == 2 && traces.allSatisfy { $0.parent == nil && $0.traceHigh | $0.traceLow != 0 })
        #expect(traces[0].traceLow != traces[1].traceLow)
        #expect(values("traceparent", rig.sent[id]) == traces.map { text($0, $0.tries[0].span) })
        #expect(values("tracestate", rig.sent[id]).isEmpty)
        #expect(traces.map { $0.tries[0].isReused } == [false, true])
    }

    @Test func `each try has a span of its own, and its endpoint is told that one`() throws {
        let rig = try rig(
            share: 1,
            [
                Sample.route(),
                Sample.cluster(
                    endpoints: [("10.0.0.1", 80), ("10.0.0.2", 80), ("10.0.0.3", 80)],
                    retries: Retries(attempts: 3, on: [.connectFailure, .serverErrors])),
            ])
        rig.receive(
            "PUT /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 5\r\n\r\nhello")
        let refused = try #require(rig.connecting)
        rig.does { $0.upstreamFailed(refused) }
        if rig.connecting == refused { rig.passDeadline() }
        let failing = try rig.connect()
        rig.receive(from: failing, "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")
        rig.passDeadline()
        let good = try rig.connect()
        rig.receive(from: good, ok)
        #expect(rig.status == 200)
        let trace = try #require(rig.observer.traces.first)
        #expect(trace.tries.map(\.failure) == ["connect", nil, nil])
        #expect(trace.tries.map(\.status) == [nil, 503, 200])
        #expect(Set(trace.tries.map(\.endpoint.host)).count == 3 && Set(trace.tries.map(\.span)).count == 3)
        #expect(trace.tries.allSatisfy { $0.endedAt != nil })
        #expect(values("traceparent", rig.sent[failing]) == [text(trace, trace.tries[1].span)])
        #expect(values("traceparent", rig.sent[good]) == [text(trace, trace.tries[2].span)])
        #expect(rig.sent[failing]?.hasSuffix("\r\n\r\nhello") == true && rig.sent[good]?.hasSuffix("hello") == true)
    }

    @Test func `an idle connection that turned out to be closed is a try that says so`() throws {
        let rig = try rig(share: 1)
        let first = try rig.exchange(get())
        rig.receive(from: first, ok)
        rig.receive(get())
        rig.does { $0.upstreamClosed(first) }
        let second = try rig.connect()
        rig.receive(from: second, ok)
        let trace = try #require(rig.observer.traces.last)
        #expect(trace.tries.map(\.failure) == ["stale", nil] && trace.tries.map(\.isReused) == [true, false])
    }

    @Test func `refusals and answers of the route's own are traced without a try`() throws {
        guard case .route(var route) = Sample.route(requiresKey: true) else { return }
        let rig = try rig(share: 1, [.route(route), Sample.cluster()])
        rig.receive(get())
        rig.receive(get(path: "/nowhere"))
        #expect(rig.observer.traces.count == 2 && rig.observer.traces.allSatisfy { $0.tries.isEmpty })
        #expect(rig.observer.exchanges.map(\.refusal) == [.unauthenticated, .noRoute])

        route.requiresKey = false
        route.backends = []
        route.respond = DirectResponse(status: 200, contentType: "text/plain", body: "hello")
        let answering = try self.rig(share: 1, [.route(route)])
        answering.receive(get())
        #expect(answering.status == 200 && answering.observer.traces.first?.upstreamPath == nil)
    }

    @Test func `a request that cannot be read has no trace`() throws {
        let rig = try rig(share: 1)
        rig.receive("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\ntraceparent: \(Self.sampled)\r\n\r\n")
        #expect(rig.status == 400 && rig.observer.exchanges.count == 1 && rig.observer.traces.isEmpty)
    }

    @Test func `an answer that is cut short says so`() throws {
        let rig = try rig(share: 1)
        let id = try rig.exchange(get())
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        rig.does { $0.upstreamClosed(id) }
        let trace = try #require(rig.observer.traces.first)
        #expect(trace.wasCutShort && trace.tries[0].failure == "closed" && trace.tries[0].status == 200)
    }

    @Test func `a client that leaves ends the try`() throws {
        let rig = try rig(share: 1)
        _ = try rig.exchange(get())
        rig.advance(by: 5)
        rig.does { $0.clientClosed() }
        let attempt = try #require(rig.observer.traces.first?.tries.first)
        #expect(attempt.status == nil && attempt.failure == nil && attempt.endedAt == attempt.startedAt + 5)
    }

    @Test func `a copy for a service that watches belongs to the trace, beneath the request's own span`() throws {
        guard case .route(var route) = Sample.route() else { return }
        route.mirrors = [Mirror(service: "shadow")]
        let rig = try rig(
            share: 1, [.route(route), Sample.cluster(), Sample.cluster("shadow", endpoints: [("10.0.1.1", 80)])])
        let id = try rig.exchange(get())
        let mirror = MirrorRig(try #require(rig.gateway.takeMirror()))
        mirror.does { $0.start() }
        try mirror.connect()
        rig.receive(from: id, ok)
        let trace = try #require(rig.observer.traces.first)
        #expect(values("traceparent", mirror.sent) == [text(trace, trace.span)])
        #expect(values("traceparent", rig.sent[id]) == [text(trace, trace.tries[0].span)])
    }

    @Test func `a stream of HTTP-2 is told from HTTP-1`() throws {
        let rig = try rig(share: 1, speaksHTTP2: true)
        let id = try rig.exchange(get())
        rig.receive(from: id, ok)
        #expect(rig.observer.traces.first?.version == .http2)
        let old = try self.rig(share: 1)
        old.receive("GET /v1/orders HTTP/1.0\r\nHost: api.acme.test\r\n\r\n")
        old.receive(from: try old.connect(), ok)
        #expect(old.observer.traces.first?.version == .http10)
    }

    @Test func `names and paths are bounded`() throws {
        let rig = try rig(share: 1)
        let long = String(repeating: "x", count: 3000)
        let id = try rig.exchange(get(path: "/v1/orders/\(long)"))
        rig.receive(from: id, ok)
        #expect(rig.observer.traces.first?.upstreamPath?.utf8.count == RequestTrace.pathBytes)
    }
}
