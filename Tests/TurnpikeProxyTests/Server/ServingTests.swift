// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxyCore

@testable import TurnpikeProxy

@Suite(.timeLimit(.minutes(1))) struct ServingTests {
    @Test(arguments: Transport.available)
    func `requests of one connection share an upstream connection`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            for number in 1...20 {
                try await client.send(GatewayHarness.get("/v1/orders/\(number)?a=b"))
                let response = try await client.response()
                #expect(response.status == 200 && response.text == "/v1/orders/\(number)?a=b")
                #expect(response["x-request-id"]?.hasPrefix("req_") == true)
            }
            #expect(origin.connections == 1 && gateway.usage.total.requests == 20)
            #expect(origin.requests[0].head.contains("X-Forwarded-For: 127.0.0.1\r\n"))
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `requests sent ahead are answered in order`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send((0..<50).map { GatewayHarness.get($0 % 7 == 3 ? "/nowhere" : "/v1/\($0)") }.joined())
            for number in 0..<50 {
                let response = try await client.response()
                #expect(number % 7 == 3 ? response.status == 404 : response.text == "/v1/\(number)")
            }
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `an endpoint is found by its name`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(origin.port, host: "localhost")]) {
            gateway async throws in
            #expect(try await gateway.get().status == 200)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `requests are spread over the endpoints`(on transport: Transport) async throws {
        let first = try await Origin.start()
        let second = try await Origin.start()
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(first.port, second.port)]) {
            gateway async throws in
            for _ in 0..<10 { #expect(try await gateway.get().status == 200) }
            #expect(first.requests.count == 5 && second.requests.count == 5)
        }
        await first.stop()
        await second.stop()
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        let request: String
        let status: Int
        let code: String
        var testDescription: String { "\(status) \(code)" }
    }

    @Test(
        arguments: [
            Refused(request: "GET /v1 HTTP/1.1\r\nHost: unknown.test\r\n\r\n", status: 404, code: "no-route"),
            Refused(request: "GET / HTTP/1.1\r\nHost: api.acme.test\r\n\r\n", status: 404, code: "no-route"),
            Refused(request: GatewayHarness.get("/v1"), status: 401, code: "unauthenticated"),
            Refused(request: GatewayHarness.get("/v1", "X-Api-Key: wrong\r\n"), status: 401, code: "unauthenticated"),
            Refused(request: "GET /v1 HTTP/1.1\r\n\r\n", status: 400, code: "malformed-request"),
            Refused(request: "GET /v1 HTTP/1.1\nHost: api.acme.test\n\n", status: 400, code: "malformed-request"),
            Refused(
                request:
                    "POST /v1 HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                status: 400, code: "malformed-request"
            ),
            Refused(
                request: "GET /v1 HTTP/2.0\r\nHost: api.acme.test\r\n\r\n", status: 505,
                code: "unsupported-http-version"),
            Refused(request: GatewayHarness.get("/v1/../../x"), status: 400, code: "malformed-request"),
        ], Transport.available)
    func `a refusal is a problem with the request's id`(_ refused: Refused, on transport: Transport) async throws {
        let resources = [Pieces.route(requiresKey: true), Pieces.cluster(9), Pieces.key("right")]
        try await GatewayHarness.run(on: transport, resources) { gateway async throws in
            let client = try await gateway.connect()
            try await client.send(refused.request)
            let response = try await client.response()
            #expect(response.status == refused.status)
            #expect(response["content-type"] == "application/problem+json")
            #expect(response.text.contains("/problems/\(refused.code)\""))
            let id = try #require(response["x-request-id"])
            #expect(response.text.contains(id))
            if refused.status == 400 { #expect(try await client.untilClosed().isEmpty) }
        }
    }

    @Test(arguments: Transport.available)
    func `a gateway without a configuration says so, and serves once it has one`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        try await GatewayHarness.run(on: transport, nil) { gateway async throws in
            #expect(try await gateway.get().status == 503)
            await gateway.server.apply(
                try GatewayConfiguration(Pieces.snapshot([Pieces.route(), Pieces.cluster(origin.port)]))
            )
            #expect(try await gateway.get().status == 200)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a key opens its routes, and the upstream does not get to see it`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let resources = [Pieces.route(requiresKey: true), Pieces.cluster(origin.port), Pieces.key("right")]
        try await GatewayHarness.run(on: transport, resources) { gateway async throws in
            #expect(try await gateway.get("/v1", "X-Api-Key: right\r\n").status == 200)
            #expect(try await gateway.get("/v1", "Authorization: Bearer right\r\n").status == 200)
            #expect(origin.requests.allSatisfy { !$0.head.contains("right") })
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a rate limit answers 429 with all that a client needs to know`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let resources = [
            Pieces.route(), Pieces.cluster(origin.port),
            Pieces.rateLimit(limit: 3, interval: .seconds(3600)),
        ]
        try await GatewayHarness.run(on: transport, resources) { gateway async throws in
            for _ in 0..<3 { #expect(try await gateway.get().status == 200) }
            let refused = try await gateway.get()
            #expect(refused.status == 429 && refused["ratelimit-policy"] == "\"burst\";q=3;w=3600")
            #expect(refused["ratelimit"]?.hasPrefix("\"burst\";r=0;t=") == true && refused["retry-after"] != nil)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `connections beyond the bound are closed as they come`(on transport: Transport) async throws {
        try await GatewayHarness.run(on: transport, [], connections: 1) { gateway async throws in
            let first = try await gateway.connect()
            try await first.send(GatewayHarness.get())
            #expect(try await first.response().status == 404)
            let second = try await gateway.connect()
            #expect(try await second.untilClosed().isEmpty)
            try await first.send(GatewayHarness.get())
            #expect(try await first.response().status == 404)
        }
    }
}
