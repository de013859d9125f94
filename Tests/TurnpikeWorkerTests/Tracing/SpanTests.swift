// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTelemetry
import TurnpikeTestSupport

@testable import TurnpikeProxy
@testable import TurnpikeProxyCore
@testable import TurnpikeWorker

/// What spans say of a request, and how OTLP writes it.
@Suite struct SpanTests {
    private func golden(_ name: String, _ exchanges: [TracedExchange]) throws {
        let resource = [Span.Attribute(SpanKey.serviceName, .text("turnpike-gateway"))]
        let text = OTLPTraces.body(exchanges.flatMap(\.spans), from: resource).prettyText
        #expect(try Golden(name).text(updatedWith: text) == text)
    }

    private func value(_ name: String, _ span: Span?) -> Span.Value? {
        span?.attributes.first { $0.name == name }?.value
    }

    @Test func `a request that was tried twice is three spans`() throws {
        var trace = TraceSample.trace()
        trace.upstreamPath = "/internal/orders/7"
        let other = EndpointAddress(
            host: "orders.internal", port: 443, ip: "10.0.0.2",
            wire: UpstreamWire(speaksHTTP2: true, tls: UpstreamTLS(verifies: false)))
        trace.tries = [
            TraceSample.attempt(0x21, status: 503, isReused: true),
            TraceSample.attempt(0x22, at: 2100, until: 2900, status: 200, endpoint: other),
        ]
        try golden("retried.json", [TraceSample.exchange(trace, status: 200, route: try TraceSample.route())])
    }

    @Test func `a refusal and a failure are told by their codes`() throws {
        let route = try TraceSample.route()
        var failing = TraceSample.trace(isHTTP2: true)
        failing.upstreamPath = "/v1/orders/7"
        failing.tries = [TraceSample.attempt(0x21, failure: "timeout")]
        try golden(
            "refused.json",
            [
                TraceSample.exchange(
                    TraceSample.trace(parent: nil), status: 401, route: route, refusal: .unauthenticated,
                    detail: "An API key is required."),
                TraceSample.exchange(
                    failing, status: 504, route: route, refusal: .upstreamTimeout,
                    detail: "The upstream did not answer in time."),
            ])
    }

    @Test(arguments: [200, 302, 404, 429, 499, 500, 503])
    func `only what is the server's fault is an error of the request, and towards an upstream also what is ours`(
        status: Int
    ) throws {
        var trace = TraceSample.trace()
        trace.tries = [TraceSample.attempt(0x21, status: status)]
        let spans = TraceSample.exchange(trace, status: status, route: try TraceSample.route()).spans
        #expect((spans[0].fault != nil) == (status >= 500))
        #expect((spans[1].fault != nil) == (status >= 400))
        #expect(value(SpanKey.errorType, spans[0]) == (status >= 500 ? .text("\(status)") : nil))
        #expect(value(SpanKey.responseStatus, spans[0]) == .number(Int64(status)))
    }

    @Test func `an answer that was cut short is an error, whatever its status was`() {
        var trace = TraceSample.trace()
        trace.wasCutShort = true
        trace.tries = [TraceSample.attempt(0x21, status: 200, failure: "closed")]
        let spans = TraceSample.exchange(trace, status: 200, detail: "The upstream closed.").spans
        #expect(spans[0].fault?.message == "The upstream closed.")
        #expect(value(SpanKey.errorType, spans[0]) == .text("cut_short"))
        #expect(value(SpanKey.errorType, spans[1]) == .text("closed"))
    }

    @Test func `spans lie within the request, by the wall clock`() {
        var trace = TraceSample.trace()
        trace.tries = [TraceSample.attempt(0x21, at: 1000, until: 2000, status: 200)]
        let spans = TraceSample.exchange(trace, status: 200).spans
        #expect(spans[0].startedAt == 1_800_000_000_000_000_000 && spans[0].endedAt == 1_800_000_000_000_003_000)
        #expect(spans[1].startedAt == 1_800_000_000_000_001_000 && spans[1].endedAt == 1_800_000_000_000_002_000)
        #expect(spans[1].parentID == spans[0].id && !spans[1].hasRemoteParent && spans[0].hasRemoteParent)
    }

    @Test func `names are of few values: the method that is known, and the route's path or name`() throws {
        func name(_ method: String, _ route: GatewayRoute?) -> String? {
            TraceSample.exchange(TraceSample.trace(), status: 200, route: route, method: method).spans.first?.name
        }
        let several = try TraceSample.route(paths: [.prefix("/a"), .exact("/b")])
        #expect(name("GET", try TraceSample.route()) == "GET /v1/orders/{id}")
        #expect(name("GET", several) == "GET orders")
        #expect(name("GET", nil) == "GET")
        #expect(name("BREW", several) == "HTTP orders")
        let brewed = TraceSample.exchange(TraceSample.trace(), status: 404, method: "BREW").spans[0]
        #expect(value(SpanKey.requestMethod, brewed) == .text("_OTHER"))
        #expect(value(SpanKey.originalMethod, brewed) == .text("BREW"))
    }

    @Test func `each attribute stands once`() throws {
        var trace = TraceSample.trace()
        trace.upstreamPath = "/"
        trace.tries = [TraceSample.attempt(1), TraceSample.attempt(2, status: 200)]
        for span in TraceSample.exchange(trace, status: 200, route: try TraceSample.route()).spans {
            #expect(Set(span.attributes.map(\.name)).count == span.attributes.count)
        }
    }
}

@Suite struct CollectorAddressTests {
    @Test(arguments: [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("https://otlp.example.com/tenant/7", "https://otlp.example.com/tenant/7/v1/traces"),
    ])
    func `traces go to v1 traces beneath the base address`(text: String, url: String) {
        #expect(CollectorAddress(text)?.tracesURL == url)
    }

    @Test(arguments: ["", "127.0.0.1:4318", "grpc://a:4317", "http://", "http://a?b=c", "http://u:p@a", "http://a#b"])
    func `what is no base address is refused`(text: String) { #expect(CollectorAddress(text) == nil) }
}
