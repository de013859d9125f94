// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

/// The smallest body of each kind, and the document that it makes: every default is there to see.
private let smallest: [(Kind, String, String)] = [
    (.tenant, "{}", #"{"displayName":"","timeZone":"UTC","labels":{}}"#),
    (
        .service, #"{"endpoints":[{"host":"a","port":80}]}"#,
        #"{"protocol":"http","endpoints":[{"host":"a","port":80,"weight":1}],"connectTimeout":"2s","responseTimeout":"30s","labels":{}}"#
    ),
    (
        .route, #"{"match":{"hosts":["a"],"paths":[{"prefix":"/"}]},"backends":[{"service":"s"}]}"#,
        #"{"match":{"hosts":["a"],"paths":[{"prefix":"/"}]},"priority":0,"backends":[{"service":"s","weight":100}],"labels":{}}"#
    ),
    (.apiKey, "{}", #"{"displayName":"","enabled":true,"digest":"","hint":"","labels":{}}"#),
    (
        .quota, #"{"limit":5,"period":"month"}"#,
        #"{"limit":5,"unit":"requests","period":"month","enforcement":"hard","per":"tenant","labels":{}}"#
    ),
    (
        .policy, #"{"kind":"rateLimit","per":"key","limit":7,"interval":"1s"}"#,
        #"{"kind":"rateLimit","per":"key","limit":7,"interval":"1s","burst":7,"labels":{}}"#
    ),
    (
        .certificate, #"{"chain":"x"}"#,
        #"{"chain":"x","names":[],"fingerprint":"","keyFingerprint":"","labels":{}}"#
    ),
    (.worker, #"{"kind":"gateway"}"#, #"{"kind":"gateway","version":"","credentials":[],"labels":{}}"#),
    (.joinToken, #"{"kind":"gateway"}"#, #"{"kind":"gateway","lifetime":"1d","digest":"","hint":"","labels":{}}"#),
    (.operator, "{}", #"{"displayName":"","role":"operator","digest":"","hint":"","labels":{}}"#),
]

/// What each kind refuses beyond what shapes and types tell.
private let refused: [(Kind, String, [String])] = [
    (.tenant, #"{"displayName":7,"timeZone":""}"#, ["/displayName type", "/timeZone length"]),
    (.service, #"{"endpoints":[{"host":":","port":1}]}"#, ["/endpoints/0/host format"]),
    (
        .service, #"{"endpoints":[{"host":"a","port":65536,"weight":1001,"zone":"eu/a"}]}"#,
        ["/endpoints/0/port range", "/endpoints/0/weight range", "/endpoints/0/zone format"]
    ),
    (
        .service, #"{"endpoints":[{"host":"a","port":1}],"connectTimeout":"61s","responseTimeout":"2h"}"#,
        ["/connectTimeout range", "/responseTimeout range"]
    ),
    (
        .service, #"{"endpoints":[{"host":"a","port":1}],"loadBalancing":{"algorithm":"random","hashOn":{}}}"#,
        ["/loadBalancing/algorithm choice", "/loadBalancing/hashOn choice"]
    ),
    (
        .service,
        #"{"endpoints":[{"host":"a","port":1}],"outlierDetection":{"consecutive5xx":0,"baseEjectionTime":"10m","maxEjectionTime":"5m","maxEjectionPercent":0}}"#,
        [
            "/outlierDetection/consecutive5xx range", "/outlierDetection/maxEjectionTime range",
            "/outlierDetection/maxEjectionPercent range",
        ]
    ),
    (
        .service,
        #"{"endpoints":[{"host":"a","port":1}],"circuitBreakers":{"maxConnections":0,"maxRequests":1000001,"maxRetries":-1,"max":1}}"#,
        [
            "/circuitBreakers/maxConnections range", "/circuitBreakers/maxRequests range",
            "/circuitBreakers/maxRetries range", "/circuitBreakers/max unknown",
        ]
    ),
    (
        .service,
        #"{"endpoints":[{"host":"a","port":1}],"requestTimeout":"0ms","idleTimeout":"2h","streamIdleTimeout":"25h","retries":{}}"#,
        ["/requestTimeout range", "/idleTimeout range", "/streamIdleTimeout range", "/retries/on required"]
    ),
    (
        .service,
        #"{"endpoints":[{"host":"a","port":1}],"retries":{"attempts":11,"on":["reset","reset","404","+50","4xx"],"methods":["get","CONNECT"],"backOff":{"maxInterval":"1ms"},"budget":{"percent":0,"minPerSecond":0}}}"#,
        [
            "/retries/attempts range", "/retries/on/1 unique", "/retries/on/2 format", "/retries/on/3 format",
            "/retries/on/4 format", "/retries/methods/0 format", "/retries/methods/1 format",
            "/retries/backOff/maxInterval range", "/retries/budget/percent range",
        ]
    ),
    (
        .service,
        #"{"endpoints":[{"host":"a","port":1}],"healthCheck":{"http":{"path":"healthz","host":"A","statuses":["1xx","200","200","6xx","+20"]},"tcp":{"x":1},"port":0,"interval":"999ms","timeout":"61s","healthyAfter":0,"unhealthyAfter":11},"dnsRefreshRate":"61m"}"#,
        [
            "/healthCheck conflict", "/healthCheck/http/path format", "/healthCheck/http/host format",
            "/healthCheck/http/statuses/0 format", "/healthCheck/http/statuses/2 unique",
            "/healthCheck/http/statuses/3 format", "/healthCheck/http/statuses/4 format", "/healthCheck/tcp/x unknown",
            "/healthCheck/port range", "/healthCheck/interval range", "/healthCheck/timeout range",
            "/healthCheck/healthyAfter range", "/healthCheck/unhealthyAfter range", "/dnsRefreshRate range",
        ]
    ),
    (
        .service, #"{"endpoints":[{"host":"a","port":1}],"healthCheck":{"interval":"2s","timeout":"3s"}}"#,
        ["/healthCheck required", "/healthCheck/timeout range"]
    ),
    (
        .service,
        #"{"endpoints":[{"host":"a","port":1}],"tls":{"serverName":"A","authorities":"x","clientCertificate":"../beta/x","verify":1}}"#,
        [
            "/tls/serverName format", "/tls/authorities format", "/tls/clientCertificate format", "/tls/verify type",
        ]
    ),
    (
        .service,
        #"{"endpoints":[{"host":"a","port":1}],"healthCheck":{"grpc":{"service":"","authority":"a"},"tcp":{}}}"#,
        ["/healthCheck conflict", "/healthCheck/grpc/service length", "/healthCheck/grpc/authority unknown"]
    ),
    (
        .service, #"{"endpoints":[{"host":"a","port":1}],"healthCheck":{"http":{"path":"/a#b"}}}"#,
        ["/healthCheck/http/path format"]
    ),
    (
        .route, #"{"match":{"hosts":[],"paths":[]},"backends":[]}"#,
        ["/match/hosts length", "/match/paths length", "/backends length"]
    ),
    (
        .route,
        #"{"match":{"hosts":["*"],"paths":[{"prefix":""}],"cookies":{}},"backends":[{"service":"a/b"}],"priority":1001}"#,
        [
            "/match/hosts/0 format", "/match/paths/0/prefix length", "/match/cookies unknown",
            "/backends/0/service format", "/priority range",
        ]
    ),
    (
        .route,
        #"{"match":{"hosts":["a"],"paths":[{"exact":"/a b"},{"exact":"/ü"},{"exact":"/a#b"},{"exact":"/."},{"template":"/{}"},{"template":"/{a b}"}]},"backends":[{"service":"a"}]}"#,
        (0...3).map { "/match/paths/\($0)/exact format" } + (4...5).map { "/match/paths/\($0)/template format" }
    ),
    (
        .route,
        #"{"match":{"hosts":["a"],"paths":[{"exact":"/"}],"headers":[{"name":"a b","exact":"1"},{"name":"x"},{"name":"x","exact":"1","prefix":"2"},{"name":"x","regex":"("},{"name":"Authorization","exact":"Bearer 1"},{"name":"x","exact":""},{"exact":"1"}],"query":[{"name":"","present":true},{"name":"b","present":"yes"},{"name":"b","suffix":"1"}],"condition":"method == 'get'"},"backends":[{"service":"a"}]}"#,
        [
            "/match/headers/0/name format", "/match/headers/1 required", "/match/headers/2 conflict",
            "/match/headers/3/regex format", "/match/headers/4/exact format", "/match/headers/5/exact length",
            "/match/headers/6/name required", "/match/query/0/name length", "/match/query/1/present type",
            "/match/query/2 required", "/match/query/2/suffix unknown", "/match/condition format",
        ]
    ),
    (
        .route, #"{"match":{"hosts":["a"],"paths":[{"exact":"/"}]},"auth":{"anyOf":[]},"backends":[{"service":"a"}]}"#,
        ["/auth/anyOf length"]
    ),
    (
        .route,
        #"{"match":{"hosts":["a"],"paths":[{"exact":"/"}]},"auth":{"anyOf":[{"apiKey":{"in":"query"}}]},"backends":[{"service":"a"}]}"#,
        ["/auth/anyOf/0/apiKey/in unknown"]
    ),
    (
        .route,
        #"{"match":{"hosts":["a"],"paths":[{"template":"/a/{id}"}]},"redirect":{"status":300,"location":"/x/{name}"},"respond":{"status":600,"contentType":"text","body":5},"rewrite":{"prefix":"/x"}}"#,
        [
            " conflict", "/redirect/status choice", "/redirect/location format", "/respond/status range",
            "/respond/contentType format", "/respond/body type", "/rewrite conflict", "/rewrite/prefix conflict",
        ]
    ),
    (
        .route,
        #"{"match":{"hosts":["a"],"paths":[{"template":"/a/{id}"},{"template":"/b/{id}/{x}"}]},"backends":[{"service":"a"}],"rewrite":{"path":"/{x}/{id}/{id+}","host":"A"}}"#,
        ["/rewrite/path format", "/rewrite/host format"]
    ),
    (
        .route,
        #"{"match":{"hosts":["a"],"paths":[{"template":"/a/{id}"},{"template":"/b/{id}/{x}"}]},"backends":[{"service":"a"}],"rewrite":{"path":"/{x}/{id}"}}"#,
        ["/rewrite/path reference"]
    ),
    (
        .route,
        #"{"match":{"hosts":["a"],"paths":[{"prefix":"/"}]},"backends":[{"service":"a"}],"rewrite":{"path":"/a","prefix":"/b"},"redirect":{"status":400,"location":""},"respond":{"status":204,"body":"x"}}"#,
        [
            " conflict", "/rewrite conflict", "/redirect/status range", "/redirect/location length",
            "/respond/body conflict",
        ]
    ),
    (
        .route,
        #"{"match":{"hosts":["a"],"paths":[{"prefix":"/"}]},"respond":{},"stickiness":{"header":"a b","ttl":"1h"}}"#,
        ["/stickiness conflict", "/stickiness/header format", "/stickiness/ttl unknown"]
    ),
    (
        .route,
        #"{"match":{"hosts":["a"],"paths":[{"prefix":"/"}]},"backends":[{"service":"a"}],"stickiness":{"cookie":"a=b","ttl":"401d","header":"x"}}"#,
        ["/stickiness conflict", "/stickiness/cookie format", "/stickiness/ttl range"]
    ),
    (
        .route,
        #"{"match":{"hosts":["a"],"paths":[{"prefix":"/"}]},"respond":{},"upgrades":{"protocols":["h2c","TLS/1.0","a b","a/b/c","a/","x","X"],"idleTimeout":"25h"}}"#,
        [
            "/upgrades conflict", "/upgrades/protocols/0 format", "/upgrades/protocols/1 format",
            "/upgrades/protocols/2 format", "/upgrades/protocols/3 format", "/upgrades/protocols/4 format",
            "/upgrades/protocols unique", "/upgrades/idleTimeout range",
        ]
    ),
    (
        .route,
        #"{"match":{"hosts":["a"],"paths":[{"prefix":"/"}]},"respond":{},"mirror":[{"service":"a","percent":0},{"service":"a"},{"percent":101}]}"#,
        [
            "/mirror conflict", "/mirror unique", "/mirror/0/percent range", "/mirror/2/percent range",
            "/mirror/2/service required",
        ]
    ),
    (
        .route, #"{"match":{"hosts":["a"],"paths":[{"prefix":"/"}]},"respond":{},"maxContentBytes":-1}"#,
        ["/maxContentBytes range"]
    ),
    (
        .route, #"{"match":{"hosts":["a"],"paths":[{"prefix":"/"}]},"respond":{},"maxContentBytes":1000000000000001}"#,
        ["/maxContentBytes range"]
    ),
    (
        .route, #"{"match":{"hosts":["a"],"paths":[{"prefix":"/"}]},"respond":{},"maxContentBytes":"1 MiB"}"#,
        ["/maxContentBytes type"]
    ),
    (
        .route, #"{"match":{"hosts":["a"],"paths":[{"prefix":"/"}]},"backends":[{"service":"a"}],"upgrades":{}}"#,
        ["/upgrades/protocols required"]
    ),
    (
        .route, #"{"match":{"hosts":["a"],"paths":[{"prefix":"/"}]},"backends":[{"service":"a"}],"rewrite":{}}"#,
        ["/rewrite required"]
    ),
    (
        .route,
        #"{"match":{"hosts":["a"],"paths":[{"prefix":"/"}]},"respond":{},"headers":{"request":{"set":{"a b":"1","Host":"x","x":5,"y":" 1"}},"response":{"set":{"Server":"x"},"remove":["server","Connection"],"add":{}}}}"#,
        [
            "/headers/request/set/a b format", "/headers/request/set/Host format", "/headers/request/set/x type",
            "/headers/request/set format", "/headers/request conflict", "/headers/response unique",
            "/headers/response/remove/1 format", "/headers/response/add unknown",
        ]
    ),
    (.apiKey, #"{"routes":["a/b","x","x"]}"#, ["/routes/0 format", "/routes/2 unique"]),
    (.quota, #"{"limit":1000000000000001,"period":"month","unit":"bytes"}"#, ["/limit range", "/unit choice"]),
    (
        .policy, #"{"kind":"rateLimit","per":"planet","limit":0,"interval":"25h","burst":0}"#,
        ["/per choice", "/limit range", "/interval range", "/burst range"]
    ),
    (.certificate, #"{}"#, ["/chain required"]),
    (.certificate, #"{"chain":"","privateKey":7}"#, ["/chain length", "/privateKey type"]),
    (
        .certificate, #"{"chain":"\u0007","privateKey":"ä","key":"x","digest":"x"}"#,
        ["/chain format", "/privateKey format", "/key unknown", "/digest unknown"]
    ),
    (.worker, #"{"kind":"gateway","credentials":[]}"#, ["/credentials unknown"]),
    (.joinToken, #"{"kind":"gateway","lifetime":"31d","digest":"x"}"#, ["/lifetime range", "/digest unknown"]),
    (.operator, #"{"digest":"x","expiresAt":"9999-12-31T23:59:59-01:00"}"#, ["/digest unknown", "/expiresAt format"]),
]

@Suite struct KindDefaultsTests {
    @Test(arguments: smallest.map { ($0.0, $0.1) })
    func `a stored document comes out the same where most of it was made before`(kind: Kind, body: String) throws {
        let spec = try ResourceBody(JSON.parse(body), kind: kind, name: "n").spec
        var resource = Resource(
            key: ResourceKey(kind, tenant: kind.scope == .tenant ? "acme" : nil, name: "n"),
            id: ResourceID(high: 1, low: 2), labels: ["a": "b"], spec: spec, revision: 7,
            createdAt: Timestamp(seconds: 1_772_366_400), updatedAt: Timestamp(seconds: 1_772_366_400))
        let draft = resource.storedDraft
        #expect(resource.storedText(from: draft) == resource.storedText)
        resource.revision = 1_234_567
        resource.updatedAt = Timestamp(milliseconds: 1_772_366_401_002)
        #expect(resource.storedText(from: draft) == resource.storedText)
    }

    @Test(arguments: smallest)
    func `what a body leaves out has its default`(kind: Kind, text: String, expected: String) throws {
        let body = try ResourceBody(JSON.parse(text), kind: kind, name: "n")
        var written = resource(kind, body).document(for: .storage).object ?? JSONObject()
        for field in ["id", "tenant", "name", "revision", "createdAt", "updatedAt"] { written[field] = nil }
        #expect(JSON.object(written).text == expected)
    }

    @Test func `every kind is in the tables`() {
        #expect(smallest.map(\.0) == Kind.allCases)
        #expect(Set(refused.map(\.0)) == Set(Kind.allCases))
    }

    @Test(arguments: refused)
    func `what a kind does not allow is named`(kind: Kind, text: String, expected: [String]) throws {
        let error = try #require(throws: TurnpikeError.self) {
            try ResourceBody(JSON.parse(text), kind: kind, name: "n")
        }
        #expect(Set(error.faults.map { "\($0.pointer) \($0.rule.rawValue)" }) == Set(expected))
    }

    @Test(arguments: Kind.allCases)
    func `a name is required where it is not optional`(kind: Kind) throws {
        let text = smallest.first { $0.0 == kind }?.1 ?? ""
        if kind.spec.isNameOptional {
            #expect(try ResourceBody(JSON.parse(text), kind: kind, name: nil).name == nil)
        } else {
            let error = try #require(throws: TurnpikeError.self) {
                try ResourceBody(JSON.parse(text), kind: kind, name: nil)
            }
            #expect(error.faults.map(\.rule) == [.required])
        }
    }

    @Test(arguments: Kind.allCases)
    func `a stored document that lacks or adds a field is refused`(kind: Kind) throws {
        let body = try ResourceBody(JSON.parse(smallest.first { $0.0 == kind }?.1 ?? ""), kind: kind, name: "n")
        let document = resource(kind, body).document(for: .storage)
        for name in ["id", "name", "revision", "createdAt", "updatedAt"] {
            let error = try #require(throws: TurnpikeError.self) {
                try Resource(stored: document.merging(patch: .object(JSONObject([name: .null]))), kind: kind)
            }
            #expect(error.code == .internalError)
        }
        for addition in [["surprise": 1], ["id": "tp_x"], ["revision": 0]] as [JSON] {
            #expect(throws: TurnpikeError.self) { try Resource(stored: document.merging(patch: addition), kind: kind) }
        }
    }

    @Test func `keys lead to their paths`() {
        #expect(ResourceKey(.tenant, name: "acme").path == "/v1/tenants/acme")
        #expect(ResourceKey(.apiKey, tenant: "acme", name: "p").path == "/v1/tenants/acme/api-keys/p")
        #expect(ResourceKey(.apiKey, tenant: "acme", name: "p").description == "apiKey acme/p")
        #expect(Kind(plural: "api-keys") == .apiKey && Kind(plural: "apiKeys") == nil)
    }

    private func resource(_ kind: Kind, _ body: ResourceBody) -> Resource {
        let now = Timestamp(seconds: 1_800_000_000)
        return Resource(
            key: ResourceKey(kind, tenant: kind.scope == .tenant ? "acme" : nil, name: "n"),
            id: ResourceID(high: 1, low: 2), labels: body.labels, spec: body.spec, revision: 1, createdAt: now,
            updatedAt: now
        )
    }
}
