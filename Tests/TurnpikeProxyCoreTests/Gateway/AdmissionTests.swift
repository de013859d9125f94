// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// What the phases answer before any upstream is asked.
@Suite struct AdmissionTests {
    private func get(_ path: String = "/v1/orders", host: String = "api.acme.test", _ fields: String...) -> String {
        "GET \(path) HTTP/1.1\r\nHost: \(host)\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    private var keyed: [CompiledResource] {
        [
            Sample.route(requiresKey: true),
            Sample.route("invoices", id: 2, paths: [.exact("/v1/invoices")], requiresKey: true),
            Sample.cluster(), Sample.key("secret", id: 1), Sample.key("bound", id: 2, routes: ["invoices"]),
            Sample.key("expired", id: 3, expiresAt: Timestamp(seconds: 1_800_000_000)),
            Sample.key("foreign", id: 4, tenant: "other"), Sample.key("orphan", id: 5, routes: ["deleted"]),
        ]
    }

    struct Answer: Sendable, CustomTestStringConvertible {
        let fields: [String]
        let status: Int?
        let key: UInt64
        var testDescription: String { "\(fields)" }
    }

    @Test(arguments: [
        Answer(fields: [], status: 401, key: 0),
        Answer(fields: ["X-Api-Key: secret"], status: nil, key: 1),
        Answer(fields: ["Authorization: Bearer secret"], status: nil, key: 1),
        Answer(fields: ["authorization: bEARER  secret"], status: nil, key: 1),
        Answer(fields: ["X-Api-Key: secret", "Authorization: Basic Zm9vOmJhcg=="], status: nil, key: 1),
        Answer(fields: ["X-Api-Key: wrong"], status: 401, key: 0),
        Answer(fields: ["X-Api-Key: "], status: 401, key: 0),
        Answer(fields: ["X-Api-Key: secret", "X-Api-Key: secret"], status: 401, key: 0),
        Answer(fields: ["Authorization: Bearer secret", "Authorization: Bearer secret"], status: 401, key: 0),
        Answer(fields: ["Authorization: Basic secret"], status: 401, key: 0),
        Answer(fields: ["Authorization: Bearersecret"], status: 401, key: 0),
        Answer(fields: ["Authorization: Bearer "], status: 401, key: 0),
        Answer(fields: ["X-Api-Key: expired"], status: 401, key: 0),
        Answer(fields: ["X-Api-Key: foreign"], status: 403, key: 0),
        Answer(fields: ["X-Api-Key: bound"], status: 403, key: 2),
        Answer(fields: ["X-Api-Key: orphan"], status: 403, key: 5),
    ])
    func `a credential opens what it should and nothing else`(_ answer: Answer) throws {
        let rig = try ConnectionRig(keyed)
        rig.receive(
            "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n" + answer.fields.map { $0 + "\r\n" }.joined() + "\r\n")
        guard let status = answer.status else {
            #expect(rig.connecting != nil && rig.client.isEmpty)
            #expect(rig.connection.request.key?.id.low == answer.key)
            return
        }
        #expect(rig.status == status && rig.connecting == nil)
        #expect(rig.client.contains("WWW-Authenticate: Bearer") == (status == 401))
        let series = try #require(rig.recorder.series.first)
        #expect(series.key.apiKey == (answer.key == 0 ? .zero : ResourceID(high: 12, low: answer.key)))
        #expect(series.key.statusClass == 4 && series.value.requests == 1 && series.value.units == 0)
        #expect(rig.connection.isIdle)
    }

    @Test func `the upstream does not see the credential, and sees what else was sent`() throws {
        let rig = try ConnectionRig(keyed)
        let id = try rig.exchange(
            get("/v1/orders", host: "api.acme.test", "X-Api-Key: secret", "Authorization: Basic abc"))
        let sent = try #require(rig.sent[id])
        #expect(!sent.contains("secret") && sent.contains("Authorization: Basic abc"))
        #expect(sent.contains("X-Forwarded-For: 192.0.2.7\r\n"))
    }

    @Test(arguments: [
        ("GET", "/v1/orders", "unknown.test", 404, "no-route"), ("GET", "/v2", "api.acme.test", 404, "no-route"),
        ("DELETE", "/v1/only-get", "api.acme.test", 405, "method-not-allowed"),
        ("OPTIONS", "*", "api.acme.test", 404, "no-route"),
    ])
    func `what no route takes is refused, and costs nobody anything`(
        method: String, path: String, host: String, status: Int, code: String
    ) throws {
        let rig = try ConnectionRig([
            Sample.route(), Sample.route("get", id: 2, paths: [.exact("/v1/only-get")], methods: ["GET"]),
            Sample.cluster(),
        ])
        rig.receive("\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        #expect(rig.status == status)
        #expect(rig.client.contains("application/problem+json") && rig.client.contains(code))
        #expect(rig.client.contains("Allow: GET, HEAD\r\n") == (status == 405))
        #expect(rig.recorder.series.isEmpty)
        #expect(rig.observer.exchanges.map(\.status) == [status])
        #expect(rig.connection.isIdle)
    }

    @Test func `without a configuration the gateway is not ready`() throws {
        let rig = try ConnectionRig(nil)
        rig.receive(get())
        #expect(rig.status == 503 && rig.client.contains("not-ready"))
    }

    @Test func `without room in the journal nothing is let through`() throws {
        let rig = try ConnectionRig([Sample.route(), Sample.cluster()])
        rig.recorder.canRecord = false
        rig.receive(get())
        #expect(rig.status == 503 && rig.client.contains("overloaded") && rig.recorder.series.isEmpty)
    }

    @Test func `a rate limit lets its burst through and says when to come again`() throws {
        let rig = try ConnectionRig([
            Sample.route(requiresKey: true), Sample.cluster(), Sample.key("secret", id: 1),
            Sample.key("another", id: 2), Sample.rateLimit(per: .key, limit: 1, interval: .seconds(10), burst: 2),
        ])
        for _ in 0..<2 {
            rig.receive(get("/v1/orders", host: "api.acme.test", "X-Api-Key: secret"))
            if rig.connecting != nil { try rig.connect() }
            rig.receive(from: try #require(rig.connection.upstreamID), "HTTP/1.1 204 No Content\r\n\r\n")
        }
        #expect(rig.takeClient().contains("204"))
        rig.receive(get("/v1/orders", host: "api.acme.test", "X-Api-Key: secret"))
        #expect(rig.status == 429)
        let answer = rig.takeClient()
        #expect(answer.contains("Retry-After: 10\r\n"))
        #expect(answer.contains("RateLimit-Policy: \"burst\";q=1;w=10\r\n"))
        #expect(answer.contains("RateLimit: \"burst\";r=0;t=20\r\n"))
        rig.receive(get("/v1/orders", host: "api.acme.test", "X-Api-Key: another"))
        #expect(rig.connection.upstreamID != nil)
    }

    @Test func `a request waits for a grant and then goes on`() throws {
        let rig = try ConnectionRig([Sample.route(), Sample.cluster(), Sample.quota()])
        rig.receive(get())
        #expect(rig.client.isEmpty && rig.connecting == nil && rig.connection.waitsForGrant)
        rig.grant(5)
        let id = try rig.connect()
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(rig.status == 200)
        #expect(rig.recorder.consumed.values.reduce(0, +) == 1 && rig.recorder.total.units == 1)
        #expect(rig.observer.waits == [.granted])
    }

    @Test func `no grant within a tenth of a second is a 503`() throws {
        let rig = try ConnectionRig([Sample.route(), Sample.cluster(), Sample.quota()])
        rig.receive(get())
        #expect(rig.connection.deadline == rig.now + 100_000_000)
        rig.passDeadline()
        #expect(
            rig.status == 503 && rig.client.contains("quota-unavailable") && rig.client.contains("Retry-After: 1\r\n"))
        let (bytesIn, bytesOut) = (Int64(get().utf8.count), Int64(rig.client.utf8.count))
        #expect(rig.recorder.total == UsageCounters(requests: 1, bytesIn: bytesIn, bytesOut: bytesOut, units: 0))
        #expect(rig.gateway.leaseWaiters == 0 && rig.observer.waits == [.timeout])
    }

    @Test func `requests that wait are bounded`() throws {
        let rig = try ConnectionRig(
            [Sample.route(), Sample.cluster(), Sample.quota()],
            limits: GatewayLimits(leaseWaiters: 0)
        )
        rig.receive(get())
        #expect(rig.status == 503 && rig.observer.waits == [.overloaded])
    }

    @Test func `a client that leaves while it waits makes room`() throws {
        let rig = try ConnectionRig([Sample.route(), Sample.cluster(), Sample.quota()])
        rig.receive(get())
        rig.does { $0.clientClosed() }
        #expect(rig.gateway.leaseWaiters == 0 && rig.observer.waits == [.abandoned])
        #expect(rig.observer.exchanges.map(\.status) == [499] && rig.recorder.total.units == 0)
    }

    @Test func `a used-up quota is a 429 until its period ends`() throws {
        let rig = try ConnectionRig([Sample.route(), Sample.cluster(), Sample.quota(limit: 1)])
        rig.receive(get())
        rig.grant(0, exhausted: true)
        #expect(rig.status == 429)
        #expect(rig.client.contains("quota-exceeded") && rig.client.contains("Retry-After: 200000000\r\n"))
        #expect(rig.client.contains("RateLimit-Policy: \"monthly\";q=1;w=210000000\r\n"))
        #expect(rig.recorder.consumed.isEmpty && rig.connection.isIdle)
    }

    @Test func `a request that one quota refuses spends nothing of the other`() throws {
        let rig = try ConnectionRig([
            Sample.route(), Sample.cluster(), Sample.quota(),
            Sample.quota("daily", id: 2),
        ])
        rig.receive(get())
        let wants = rig.gateway.takeLeaseWants()
        #expect(wants.count == 2)
        let start = Timestamp(seconds: 1_790_000_000)
        rig.gateway.take(
            wants.map {
                LeaseGrant(
                    key: LeaseKey(quota: $0.quota, subject: $0.subject, periodStart: start), periodEnd: Sample.end,
                    granted: $0.quota.low == 1 ? 10 : 0, isExhausted: $0.quota.low == 2
                )
            }, for: wants
        )
        rig.does { $0.leasesChanged() }
        #expect(rig.status == 429 && rig.recorder.consumed.isEmpty)
    }

    @Test func `a soft quota never stops anybody`() throws {
        let rig = try ConnectionRig([
            Sample.route(), Sample.cluster(), Sample.quota(limit: 1, enforcement: .soft),
        ])
        for _ in 0..<3 {
            rig.receive(get())
            if rig.connecting != nil, rig.connection.upstreamID == rig.connecting { try rig.connect() }
            rig.receive(from: try #require(rig.connection.upstreamID), "HTTP/1.1 204 No Content\r\n\r\n")
        }
        #expect(rig.recorder.consumed.isEmpty && rig.recorder.total.units == 3)
        rig.grant(1, exhausted: true)
        #expect(rig.recorder.consumed.values.reduce(0, +) == 3)
    }
}
