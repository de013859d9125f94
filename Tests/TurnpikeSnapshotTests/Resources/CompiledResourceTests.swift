// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

private let id = "_0000000000000000000000000A"

private let documents = [
    #"{"type":"route","tenant":"a","name":"r","id":"rte\#(id)","tenantId":"ten\#(id)","hosts":["h"],"paths":[{"type":"exact","pattern":"/"}],"methods":[],"priority":0,"requiresKey":false,"backends":[{"cluster":"c","weight":1}]}"#,
    #"{"type":"cluster","tenant":"a","name":"c","id":"svc\#(id)","endpoints":[{"host":"h","port":80,"weight":0}],"connectTimeoutMillis":1,"responseTimeoutMillis":3600000}"#,
    #"{"type":"key","tenant":"a","name":"k","id":"key\#(id)","tenantId":"ten\#(id)","digest":"00000000000000000000000000000000000000000000000000000000000000ff","routes":[]}"#,
    #"{"type":"rateLimit","tenant":"a","name":"l","id":"pol\#(id)","per":"route","limit":1,"intervalMillis":1,"burst":1}"#,
    #"{"type":"quota","tenant":"a","name":"q","id":"quo\#(id)","tenantId":"ten\#(id)","per":"key","limit":0,"period":"hour","enforcement":"soft"}"#,
    #"{"type":"certificate","tenant":"a","name":"c","id":"crt\#(id)","names":["h","*.h"],"notBefore":"2026-03-01T00:00:00Z","notAfter":"2026-05-30T00:00:00Z","chain":"-----BEGIN CERTIFICATE-----\n","sealedKey":"sealed:v1:0:AA"}"#,
]

/// Fields that a route may do without; they are not written then, so that older workers can read it.
private let optionalParts = [
    #"{"headers":[{"name":"x-a","exact":"1"},{"name":"x-b","prefix":"1"},{"name":"x-c","regex":"[0-9]"},{"name":"x-d","present":false}]}"#,
    #"{"query":[{"name":"B","present":true}]}"#,
    #"{"backends":[],"redirect":{"status":308,"location":"https://a.test{path}"}}"#,
    #"{"backends":[],"respond":{"status":503,"contentType":"text/plain","body":"Back soon.\n"}}"#,
    #"{"requestHeaders":{"set":{"x-a":"1","x-b":""},"remove":["x-c"]},"responseHeaders":{"remove":["server"]}}"#,
    #"{"stickiness":{"header":"x-user"}}"#, #"{"stickiness":{"cookie":"ab"}}"#,
    #"{"stickiness":{"cookie":"ab","ttl":"1h"}}"#, #"{"rewrite":{"path":"/fixed","host":"a.internal"}}"#,
    #"{"paths":[{"type":"prefix","pattern":"/a"}],"rewrite":{"prefix":"/b"}}"#,
    #"{"mirrors":[{"service":"shadow","percent":10}]}"#,
    #"{"upgrades":{"protocols":["websocket","irc/6.9"],"idleTimeout":"5m"}}"#,
    #"{"labels":{"tier":"gold"}}"#, #"{"encodedSlashes":true}"#, #"{"maxContentBytes":0}"#,
    #"{"maxContentBytes":1000000000000000}"#,
    #"{"condition":"method == 'GET' && !(host == 'a')"}"#,
]

/// What a service need not have, each with the smallest that it may say.
private let extras = [
    #"{"loadBalancing":{"algorithm":"maglev","hashOn":{"cookie":"session"}}}"#,
    #"{"loadBalancing":{"algorithm":"maglev","hashOn":"address"}}"#,
    #"{"loadBalancing":{"algorithm":"leastRequest","slowStart":"30s"}}"#,
    #"{"loadBalancing":{"algorithm":"roundRobin","localityAwareness":{"minHealthyPercent":50}}}"#,
    #"{"outlierDetection":{"consecutive5xx":5,"consecutiveGatewayErrors":0,"baseEjectionTime":"30s","maxEjectionTime":"5m","maxEjectionPercent":10}}"#,
    #"{"retries":{"attempts":2,"on":["connectFailure","5xx"],"methods":["GET","POST"],"perTryTimeout":"1s","backOff":{"baseInterval":"25ms","maxInterval":"250ms"},"budget":{"percent":20,"minPerSecond":3}}}"#,
    #"{"circuitBreakers":{"maxConnections":1,"maxPendingRequests":2,"maxRequests":3,"maxRetries":0}}"#,
    #"{"circuitBreakers":{}}"#, #"{"protocol":"http2"}"#, #"{"tls":{"verify":true}}"#,
    #"{"tls":{"clientCertificate":"orders","verify":true}}"#,
    #"{"protocol":"http2","tls":{"serverName":"a.internal","authorities":"-----BEGIN CERTIFICATE-----\n","verify":false}}"#,
    #"{"healthCheck":{"tcp":{},"interval":"10s","timeout":"1s","healthyAfter":2,"unhealthyAfter":3}}"#,
    #"{"healthCheck":{"grpc":{},"interval":"10s","timeout":"1s","healthyAfter":2,"unhealthyAfter":3}}"#,
    #"{"healthCheck":{"grpc":{"service":"orders.Orders"},"interval":"10s","timeout":"1s","healthyAfter":2,"unhealthyAfter":3}}"#,
    #"{"healthCheck":{"http":{"path":"/healthz?deep=1","host":"a.test:8080","statuses":["2xx","404"]},"port":81,"interval":"1h","timeout":"10ms","healthyAfter":1,"unhealthyAfter":10}}"#,
]

@Suite struct CompiledResourceTests {
    @Test(arguments: optionalParts)
    func `what a route may do without comes back as it went`(text: String) throws {
        let document = try JSON.parse(documents[0]).merging(patch: JSON.parse(text))
        let resource = try CompiledResource(json: document)
        #expect(resource.json.text == document.text)
        #expect(resource != (try CompiledResource(json: JSON.parse(documents[0]))))
    }

    @Test(arguments: extras)
    func `a cluster keeps what its service says of its own`(text: String) throws {
        let document = try JSON.parse(documents[1]).merging(patch: JSON.parse(text))
        let cluster = try CompiledResource(json: document)
        #expect(cluster.json == document)
        let names = try JSON.parse(text).object?.names ?? []
        let own = ["protocol": "upstreamHTTP2", "tls": "upstreamTLS"]
        var expected = Set(names.map { own[$0] ?? $0 })
        // Parts of parts that came later, and that older workers do not know.
        let parts = [
            "clientCertificate": "clientCertificate", "grpc": "grpcHealthCheck",
            "localityAwareness": "localityAwareness",
        ]
        for (part, capability) in parts where text.contains("\"\(part)\":") { expected.insert(capability) }
        #expect(Set(cluster.requiredCapabilities.map(\.rawValue)) == expected)
    }

    @Test func `an endpoint keeps its zone`() throws {
        let endpoints: JSON = [
            ["host": "h", "port": 80, "weight": 1, "zone": "eu-a"], ["host": "h", "port": 81, "weight": 1],
        ]
        let document = try JSON.parse(documents[1]).merging(patch: ["endpoints": endpoints])
        let resource = try CompiledResource(json: document)
        #expect(resource.json == document)
        guard case .cluster(let cluster) = resource else { throw Failed() }
        #expect(cluster.endpoints.map(\.zone) == ["eu-a", nil])
    }

    private struct Failed: Error {}

    @Test(arguments: [
        ("requestTimeoutMillis", 0, Capability.requestTimeout), ("idleTimeoutMillis", 0, .upstreamIdleTimeout),
        ("streamIdleTimeoutMillis", -1, .streamIdleTimeout), ("dnsRefreshRateMillis", 0, .dnsRefreshRate),
    ])
    func `a cluster keeps a time that its service sets`(name: String, tooLittle: Int64, capability: Capability) throws {
        let document = try JSON.parse(documents[1]).merging(patch: .object(JSONObject([name: 1500])))
        let cluster = try CompiledResource(json: document)
        #expect(cluster.json == document && cluster.requiredCapabilities == [capability])
        let bad = try #require(throws: TurnpikeError.self) {
            try CompiledResource(json: document.merging(patch: .object(JSONObject([name: .integer(tooLittle)]))))
        }
        #expect(bad.faults.map(\.pointer.description) == ["/\(name)"])
    }

    @Test(arguments: documents)
    func `the wire form is exactly this`(text: String) throws {
        #expect(try CompiledResource(json: JSON.parse(text)).json.text == text)
    }

    @Test func `every type is in the table`() throws {
        let types = try documents.map { try CompiledResource(json: JSON.parse($0)).type }
        #expect(types == CompiledResource.ResourceType.allCases)
    }

    @Test(arguments: documents)
    func `a document without any one of its members, or with one more, is refused`(text: String) throws {
        let document = try JSON.parse(text)
        for name in document.object?.names ?? [] {
            let lacking = document.merging(patch: .object(JSONObject([name: .null])))
            // Empty lists may be left out.
            guard document[name] != .array([]) else { continue }
            let error = try #require(throws: TurnpikeError.self, "\(name)") { try CompiledResource(json: lacking) }
            #expect(error.faults.contains { $0.pointer == JSONPointer().appending(name) }, "\(name)")
        }
        let unknown = try #require(throws: TurnpikeError.self) {
            try CompiledResource(json: document.merging(patch: ["newer": 1]))
        }
        #expect(unknown.faults.map(\.pointer.description) == ["/newer"])
    }

    @Test(arguments: [
        (0, #"{"id":"svc_0000000000000000000000000A"}"#, "/id"), (0, #"{"hosts":[]}"#, "/hosts"),
        (0, #"{"paths":[{"type":"suffix","pattern":"/"}]}"#, "/paths/0/type"), (0, #"{"priority":1001}"#, "/priority"),
        (0, #"{"backends":[]}"#, "/backends"), (0, #"{"headers":[{"name":"x"}]}"#, "/headers/0"),
        (0, #"{"redirect":{"status":308,"location":"/a"}}"#, "/backends"),
        (0, #"{"backends":[],"redirect":{"status":308,"location":"/a"},"respond":{}}"#, "/respond"),
        (0, #"{"stickiness":{}}"#, "/stickiness"), (0, #"{"rewrite":{"prefix":"/b"}}"#, "/rewrite/prefix"),
        (0, #"{"query":[{"name":"x","suffix":"a"}]}"#, "/query/0/suffix"), (0, #"{"condition":"?"}"#, "/condition"),
        (1, #"{"connectTimeoutMillis":0}"#, "/connectTimeoutMillis"),
        (1, #"{"endpoints":[{"host":"h","port":0,"weight":0}]}"#, "/endpoints/0/port"),
        (2, #"{"digest":"ff"}"#, "/digest"),
        (2, #"{"expiresAt":"soon"}"#, "/expiresAt"), (3, #"{"per":"planet"}"#, "/per"), (3, #"{"burst":0}"#, "/burst"),
        (4, #"{"limit":-1}"#, "/limit"), (4, #"{"period":"year"}"#, "/period"), (4, #"{"type":"plan"}"#, "/type"),
    ])
    func `a value out of bounds is named`(document: Int, patch: String, pointer: String) throws {
        let json = try JSON.parse(documents[document]).merging(patch: JSON.parse(patch))
        let error = try #require(throws: TurnpikeError.self) { try CompiledResource(json: json) }
        #expect(error.faults.contains { $0.pointer.description == pointer })
    }
}
