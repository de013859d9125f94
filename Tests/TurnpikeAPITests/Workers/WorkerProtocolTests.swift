// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeControl
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

extension TestServer {
    /// Registers a gateway and gives its identity.
    func join() async throws -> WorkerIdentity {
        let token = try #require(try await send(.post, "/v1/join-tokens", #"{"kind":"gateway"}"#).json["token"]?.string)
        let answer = try await send(
            .post, "/v1/workers", #"{"kind":"gateway","name":"gw-1"}"#, headers: [.authorization: "Bearer \(token)"])
        #expect(answer.status == 201, "\(answer.text)")
        return try WorkerIdentity(json: answer.json)
    }

    /// Registers the gateway `gw-1` and opens its stream, over which it says that it can do what `capabilities` names.
    func openStream(capabilities: Set<String> = Set(Capability.allCases.map(\.rawValue))) async throws -> WorkerStream {
        let identity = try await join()
        return try control.openStream(
            worker: try control.authenticate(bearer: identity.credential), from: nil,
            WorkerAnnouncement(version: "1", capabilities: capabilities, addresses: []))
    }
}

@Suite struct WorkerProtocolTests {
    @Test func `a worker joins, and its credential opens its own paths only`() async throws {
        try await TestServer.run { server in
            let identity = try await server.join()
            let auth: HTTPFields = [.authorization: "Bearer \(identity.credential)"]
            let own = try await server.send(
                .post, "/v1/workers/\(identity.id)/acknowledgements", #"{"revision":1,"outcome":"applied"}"#,
                headers: auth)
            #expect(own.status == 204, "\(own.text)")
            let other = try await server.send(
                .post, "/v1/workers/somebody/acknowledgements", #"{"revision":1,"outcome":"applied"}"#, headers: auth)
            #expect(other.status == 403)
            #expect(try await server.send(.get, "/v1/tenants", headers: auth).status == 403)
            #expect(try await server.send(.post, "/v1/workers/\(identity.id)/usage", "{}").status == 403)
        }
    }

    @Test func `a rotated credential replaces the old one after a grace`() async throws {
        try await TestServer.run { server in
            let first = try await server.join()
            let rotated = try await server.send(
                .post, "/v1/workers/\(first.id)/credential", headers: [.authorization: "Bearer \(first.credential)"])
            let second = try WorkerIdentity(json: rotated.json)
            #expect(rotated.status == 200 && second.credential != first.credential && second.id == first.id)
            for credential in [first.credential, second.credential] {
                let answer = try await server.send(
                    .post, "/v1/workers/\(first.id)/acknowledgements", #"{"revision":1,"outcome":"applied"}"#,
                    headers: [.authorization: "Bearer \(credential)"])
                #expect(answer.status == 204)
            }
        }
    }

    @Test func `an expired or deleted join token lets nobody in`() async throws {
        try await TestServer.run { server in
            let token = try await server.send(.post, "/v1/join-tokens", #"{"kind":"gateway","name":"j"}"#)
            let auth: HTTPFields = [.authorization: "Bearer \(token.json["token"]?.string ?? "")"]
            server.clock.advance(by: .seconds(86_401))
            #expect(try await server.send(.post, "/v1/workers", #"{"kind":"gateway"}"#, headers: auth).status == 401)
            let next = try await server.send(.post, "/v1/join-tokens", #"{"kind":"gateway","name":"k"}"#)
            #expect(try await server.send(.delete, "/v1/join-tokens/k").status == 204)
            let deleted: HTTPFields = [.authorization: "Bearer \(next.json["token"]?.string ?? "")"]
            #expect(try await server.send(.post, "/v1/workers", #"{"kind":"gateway"}"#, headers: deleted).status == 401)
        }
    }

    @Test func `usage is taken once and reported to the last unit`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let identity = try await server.join()
            let tenant = try #require(
                ResourceID(
                    text: try await server.send(.get, "/v1/tenants/acme").json["id"]?.string ?? "", prefix: "ten"))
            let route = try #require(
                ResourceID(
                    text: try await server.send(.get, "/v1/tenants/acme/routes/orders").json["id"]?.string ?? "",
                    prefix: "rte"))
            let minute = server.clock.now.milliseconds / 60_000 - 1
            func batch(_ sequence: Int64, _ requests: Int64) -> String {
                UsageBatch(
                    epoch: 1, sequence: sequence, isFinal: false,
                    series: [
                        UsageSeries(
                            key: SeriesKey(tenant: tenant, apiKey: .zero, route: route, statusClass: 2, minute: minute),
                            counters: UsageCounters(requests: requests, bytesIn: 10, bytesOut: 20, units: requests))
                    ],
                    consumption: []
                ).json.text
            }
            let auth: HTTPFields = [.authorization: "Bearer \(identity.credential)"]
            for body in [batch(1, 5), batch(1, 5), batch(2, 9), batch(1, 5)] {
                let answer = try await server.send(.post, "/v1/workers/\(identity.id)/usage", body, headers: auth)
                #expect(answer.status == 200, "\(answer.text)")
            }
            let report = try await server.send(
                .get, "/v1/tenants/acme/usage?groupBy=route,statusClass,key&bucket=minute")
            #expect(report.status == 200 && report.json["data"]?.array?.count == 1, "\(report.text)")
            let row = report.json["data"]?[0]
            #expect(
                row?["requests"] == 9 && row?["units"] == 9 && row?["route"] == "orders" && row?["statusClass"] == "2xx"
            )
            #expect(row?["key"] == .null)
        }
    }

    @Test func `a lease never exceeds the quota`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let identity = try await server.join()
            let quota = try await server.send(.put, "/v1/tenants/acme/quotas/q", #"{"limit":10,"period":"day"}"#)
            let quotaID = try #require(ResourceID(text: quota.json["id"]?.string ?? "", prefix: "quo"))
            let tenant = try #require(
                ResourceID(
                    text: try await server.send(.get, "/v1/tenants/acme").json["id"]?.string ?? "", prefix: "ten"))
            let auth: HTTPFields = [.authorization: "Bearer \(identity.credential)"]
            let want = LeaseRequest(epoch: 1, wants: [.init(quota: quotaID, subject: tenant, demand: 100, held: 0)])
                .json.text
            var granted: Int64 = 0
            for _ in 0..<30 {
                let answer = try await server.send(.post, "/v1/workers/\(identity.id)/leases", want, headers: auth)
                granted = try #require(LeaseGrant.grants(in: answer.json).first).granted
            }
            #expect(granted == 10)
            let state = try await server.send(.get, "/v1/tenants/acme/quotas/q/state")
            #expect(state.json["committed"] == 10 && state.json["remaining"] == 0)
        }
    }

    @Test func `wait=applied without workers is complete at once`() async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.post, "/v1/tenants?wait=applied&timeout=1s", #"{"name":"acme"}"#)
            #expect(answer.status == 201 && answer.json["rollout"]?["state"] == "complete")
            #expect(answer[header: "Turnpike-Rollout"] == "complete")
        }
    }

    @Test func `only health needs no token`() async throws {
        try await TestServer.run { server in
            for path in ["/healthz", "/readyz"] {
                let status = try await server.send(.get, path, headers: [.authorization: "none"]).status
                #expect(status == 200, "\(path)")
            }
            for path in ["/metrics", "/openapi.yaml", "/v1/tenants", "/v1/revisions/1"] {
                let status = try await server.send(.get, path, headers: [.authorization: "none"]).status
                #expect(status == 401, "\(path)")
                #expect(try await server.send(.get, path).status == 200)
            }
        }
    }
}
