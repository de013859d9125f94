// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// Routes whose paths may hold `%2F`, beside others.
@Suite struct EncodedSlashTests {
    private func route(_ name: String, _ path: PathMatch, takes: Bool, rewrite: Rewrite? = nil) -> CompiledResource {
        guard case .route(var route) = Sample.route(name, id: takes ? 1 : 2, paths: [path]) else {
            return Sample.route()
        }
        route.encodedSlashes = takes
        route.rewrite = rewrite
        return .route(route)
    }

    private func rig() throws -> ConnectionRig {
        try ConnectionRig([
            route("projects", .template("/v1/projects/{id}"), takes: true),
            route("others", .prefix("/v1"), takes: false),
            Sample.cluster(),
        ])
    }

    private func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: api.acme.test\r\n\r\n" }

    @Test func `a route that takes them gets a slash as text within a segment, and so does its service`() throws {
        let rig = try rig()
        let id = try rig.exchange(get("/v1/./projects/group%2fname?q=%2f"))
        #expect(rig.sent[id]?.hasPrefix("GET /v1/projects/group%2Fname?q=%2f HTTP/1.1\r\n") == true)
    }

    @Test(arguments: [
        "/v1/orders/a%2Fb", "/v1%2Fprojects/7", "/v1/projects/a%2Fb/c", "/v1/projects/..%2Forders", "/nowhere%2F",
        "/v1/projects/a%5Cb", "/v1/projects/a%2F%00",
    ])
    func `all other requests that hold one are refused`(path: String) throws {
        let rig = try rig()
        rig.receive(get(path))
        #expect(rig.status == 400 && rig.connecting == nil, "\(rig.client)")
        #expect(rig.client.contains("forbidden encoded character in path"))
    }

    @Test func `a host that nobody has makes no difference`() throws {
        let rig = try rig()
        rig.receive(get("/v1/projects/a%2Fb").replacing("api.acme.test", with: "other.test"))
        #expect(rig.status == 400)
    }

    @Test func `what the route rewrites keeps them`() throws {
        let path = TextTemplate("/internal/{id}").map(Rewrite.Path.template)
        let rig = try ConnectionRig([
            route("projects", .template("/v1/projects/{id}"), takes: true, rewrite: Rewrite(path: path, host: nil)),
            Sample.cluster(),
        ])
        let id = try rig.exchange(get("/v1/projects/group%2Fname"))
        #expect(rig.sent[id]?.hasPrefix("GET /internal/group%2Fname HTTP/1.1\r\n") == true)
    }

    @Test func `an explanation says the same as the gateway does`() throws {
        let rig = try rig()
        let configuration = try #require(rig.gateway.current)
        func explain(_ target: String) throws -> String? {
            let explanation = try configuration.explain(.init(method: "GET", host: "api.acme.test", target: target))
            return explanation.candidates.first { $0.verdict == .selected }?.route.name
        }
        #expect(try explain("/v1/projects/a%2Fb") == "projects")
        #expect(throws: HTTPFault.forbiddenEncodedCharacter) { try explain("/v1/orders/a%2Fb") }
    }
}
