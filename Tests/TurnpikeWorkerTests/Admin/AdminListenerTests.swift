// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTelemetry

@testable import TurnpikeWorker

@Suite struct AdminPagesTests {
    private let health = WorkerHealth()
    private let metrics = MetricsRegistry()
    private var pages: AdminPages { AdminPages(health: health, metrics: metrics) }

    @Test func `a worker is ready once it holds a configuration, and until it drains`() throws {
        let early = pages.response(to: "GET", "/readyz")
        #expect(early.status == 503 && early.contentType == "application/problem+json")
        #expect(try JSON.parse(early.body)["type"]?.string == ErrorCode.notReady.type)
        health.configurationApplied()
        #expect(pages.response(to: "GET", "/readyz") == .text("ready\n"))
        health.draining()
        let late = pages.response(to: "GET", "/readyz")
        #expect(try JSON.parse(late.body)["type"]?.string == ErrorCode.draining.type)
    }

    @Test func `a process that runs is healthy whatever it holds`() {
        #expect(pages.response(to: "GET", "/healthz") == .text("ok\n"))
        health.draining()
        #expect(pages.response(to: "HEAD", "/healthz?verbose").status == 200)
    }

    @Test func `metrics are Prometheus text`() {
        metrics.counter("turnpike_test_total", help: "A test.").increment(by: 3)
        let response = pages.response(to: "GET", "/metrics")
        #expect(response.contentType == PrometheusText.contentType)
        #expect(response.body.contains("turnpike_test_total 3"))
    }

    @Test func `anything else is refused`() {
        #expect(pages.response(to: "GET", "/").status == 404)
        #expect(pages.response(to: "GET", "/metrics/x").status == 404)
        let refusal = pages.response(to: "POST", "/readyz")
        #expect(refusal.status == 405 && refusal.allow == "GET, HEAD")
    }
}
