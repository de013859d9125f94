// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeCompiler

/// What an operator writes of a route is what workers read of it.
@Suite struct RouteCompilationTests {
    /// Bodies beside hosts and paths, what the wire has of them, and what a worker must be able to do.
    @Test(
        arguments: [
            (
                #"{"match":{"headers":[{"name":"X-Api-Version","exact":"2"}],"query":[{"name":"beta","present":true}],"condition":"method == 'GET'"},"backends":[{"service":"orders"}]}"#,
                #"{"headers":[{"name":"x-api-version","exact":"2"}],"query":[{"name":"beta","present":true}],"condition":"method == 'GET'"}"#,
                [.headerMatch, .queryMatch, .matchCondition]
            ),
            (
                #"{"redirect":{"location":"https://new.acme.test{path}"}}"#,
                #"{"backends":[],"redirect":{"status":307,"location":"https://new.acme.test{path}"}}"#, [.redirect]
            ),
            (
                #"{"respond":{"status":503,"body":"Back soon."}}"#,
                #"{"backends":[],"respond":{"status":503,"contentType":"text/plain; charset=utf-8","body":"Back soon."}}"#,
                [.directResponse]
            ),
            (
                #"{"backends":[{"service":"orders"}],"rewrite":{"prefix":"/internal","host":"a.internal"}}"#,
                #"{"rewrite":{"prefix":"/internal","host":"a.internal"}}"#, [.rewrite]
            ),
            (
                #"{"backends":[{"service":"orders"}],"stickiness":{"cookie":"ab","ttl":"60m"}}"#,
                #"{"stickiness":{"cookie":"ab","ttl":"1h"}}"#, [.stickiness]
            ),
            (
                #"{"backends":[{"service":"orders"}],"mirror":[{"service":"shadow"}]}"#,
                #"{"mirrors":[{"service":"shadow","percent":100}]}"#, [.mirror]
            ),
            (
                #"{"backends":[{"service":"orders"}],"upgrades":{"protocols":["WebSocket"]}}"#,
                #"{"upgrades":{"protocols":["websocket"],"idleTimeout":"5m"}}"#, [.upgrades]
            ),
            (
                #"{"backends":[{"service":"orders"}],"maxContentBytes":1048576}"#,
                #"{"maxContentBytes":1048576}"#, [.maxContentBytes]
            ),
            (
                #"{"match":{"encodedSlashes":true},"backends":[{"service":"orders"}]}"#, #"{"encodedSlashes":true}"#,
                [.encodedSlashes]
            ),
            (
                #"{"backends":[{"service":"orders"}],"headers":{"request":{"set":{"X-Env":"prod"}},"response":{"remove":["Server"]}}}"#,
                #"{"requestHeaders":{"set":{"x-env":"prod"}},"responseHeaders":{"remove":["server"]}}"#, [.headerEdits]
            ),
        ] as [(String, String, Set<Capability>)])
    func `each part of a route reaches workers, and asks for what it needs`(
        body: String, wire: String, capabilities: Set<Capability>
    ) throws {
        let place: JSON = ["match": ["hosts": ["api.acme.test"], "paths": [["prefix": "/orders"]]]]
        let route = try Resource.fixture(
            Route.self, tenant: "acme", "orders", place.merging(patch: JSON.parse(body)), id: 10)
        let compiled = try #require(TestState([try Acme.tenant(), route]).compile(.route, "orders"))
        for member in try JSON.parse(wire).object?.members ?? [] {
            #expect(compiled.json[member.name] == member.value, "\(member.name)")
        }
        #expect(compiled.requiredCapabilities == capabilities)
        #expect(try CompiledResource(json: compiled.json) == compiled)
    }
}
