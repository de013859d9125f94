// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

/// Bodies that each kind takes, as clients write them.
private let validBodies: [(Kind, String)] = [
    (.tenant, #"{"name":"acme","displayName":"Acme GmbH","timeZone":"Europe/Berlin"}"#),
    (.tenant, #"{"name":"acme"}"#),
    (.service, #"{"name":"orders","protocol":"http","endpoints":[{"host":"127.0.0.1","port":9001,"weight":1}]}"#),
    (
        .service,
        #"{"name":"o","endpoints":[{"host":"a.internal","port":80},{"host":"::1","port":81,"weight":0}],"connectTimeout":"250ms"}"#
    ),
    (
        .route,
        #"{"name":"orders","match":{"hosts":["api.acme.test"],"paths":[{"prefix":"/v1/orders"}],"methods":["GET"]},"auth":{"anyOf":[{"apiKey":{}}]},"backends":[{"service":"orders","weight":100}]}"#
    ),
    (
        .route,
        #"{"name":"r","match":{"hosts":["*.acme.test","s3"],"paths":[{"exact":"/"},{"template":"/{Bucket}/{Key+}"},{"regex":"/v[0-9]+/x"}]},"backends":[{"service":"a"}],"priority":-5,"labels":{"tier":"gold"}}"#
    ),
    (
        .route,
        #"{"name":"r","match":{"hosts":["a.test"],"paths":[{"prefix":"/"}],"headers":[{"name":"X-Api-Version","exact":"2"},{"name":"accept","prefix":"text/"},{"name":"x","regex":"[a-z]+"},{"name":"authorization","present":true}],"query":[{"name":"beta","exact":"true"},{"name":"Ä","present":false}],"condition":"method in ['GET'] && path startsWith '/v2'"},"backends":[{"service":"a"}]}"#
    ),
    (
        .route,
        #"{"name":"r","match":{"hosts":["a.test"],"paths":[{"prefix":"/"}]},"redirect":{"status":308,"location":"https://new.a.test{path}{query}"}}"#
    ),
    (
        .route,
        #"{"name":"r","match":{"hosts":["a.test"],"paths":[{"exact":"/"}]},"respond":{"status":200,"contentType":"text/plain","body":"a\nb"}}"#
    ),
    (
        .route,
        #"{"name":"r","match":{"hosts":["a.test"],"paths":[{"template":"/{a}/{b+}"}]},"backends":[{"service":"a"}],"rewrite":{"path":"/x/{b}/{a}","host":"orders.internal:8080"}}"#
    ),
    (
        .route,
        #"{"name":"r","match":{"hosts":["a.test"],"paths":[{"prefix":"/a"}]},"backends":[{"service":"a"}],"rewrite":{"prefix":"/internal"}}"#
    ),
    (
        .route,
        #"{"name":"r","match":{"hosts":["a.test"],"paths":[{"prefix":"/"}]},"backends":[{"service":"a"}],"stickiness":{"cookie":"ab","ttl":"1h"},"headers":{"request":{"set":{"X-Env":"prod"},"remove":["x-debug"]},"response":{"remove":["Server"]}}}"#
    ),
    (
        .route,
        #"{"name":"r","match":{"hosts":["a.test"],"paths":[{"prefix":"/"}]},"backends":[{"service":"a"}],"mirror":[{"service":"b","percent":1},{"service":"c"}],"upgrades":{"protocols":["WebSocket","irc/6.9"],"idleTimeout":"1h"}}"#
    ),
    (
        .route,
        #"{"name":"r","match":{"hosts":["a.test"],"paths":[{"prefix":"/"}]},"maxContentBytes":0,"backends":[{"service":"a"}]}"#
    ),
    (.apiKey, #"{"name":"partner-1","expiresAt":"2030-01-01T00:00:00Z","routes":["orders"]}"#),
    (.quota, #"{"name":"monthly","limit":1000000,"unit":"requests","period":"month","enforcement":"hard"}"#),
    (.quota, #"{"name":"daily","limit":0,"period":"day","per":"key","selector":{"labels":{"tier":"gold"}}}"#),
    (
        .policy,
        #"{"name":"burst","kind":"rateLimit","per":"key","limit":100,"interval":"1s","burst":200,"selector":{"routes":["orders"]}}"#
    ),
    (.worker, #"{"name":"gw-1","kind":"gateway","version":"1.0"}"#),
    (.joinToken, #"{"kind":"gateway"}"#),
    (.operator, #"{"name":"ops","displayName":"Ops"}"#),
]

/// Bodies that are refused: kind, body, and each fault as `pointer rule`.
private let invalidBodies: [(Kind, String, [String])] = [
    (.tenant, #"[]"#, [" type", "/name required"]),
    (.tenant, #"{}"#, ["/name required"]),
    (.tenant, #"{"name":"-x","zone":1,"timeZone":7}"#, ["/name format", "/timeZone type", "/zone unknown"]),
    (.service, #"{"name":"s"}"#, ["/endpoints required"]),
    (.service, #"{"name":"s","endpoints":[]}"#, ["/endpoints length"]),
    (
        .service, #"{"name":"s","endpoints":[{"host":"a b","port":0},{"port":"x","weight":-1,"rack":"b"}]}"#,
        [
            "/endpoints/0/host format", "/endpoints/0/port range", "/endpoints/1/host required",
            "/endpoints/1/port type",
            "/endpoints/1/weight range", "/endpoints/1/rack unknown",
        ]
    ),
    (
        .service,
        #"{"name":"s","protocol":"grpc","endpoints":[{"host":"a","port":1}],"connectTimeout":"1 s","responseTimeout":5}"#,
        ["/protocol choice", "/connectTimeout format", "/responseTimeout type"]
    ),
    (
        .service,
        #"{"name":"s","endpoints":[{"host":"a","port":1}],"tls":{"serverName":"a b","authorities":"x","verify":1,"key":"k"}}"#,
        ["/tls/serverName format", "/tls/authorities format", "/tls/verify type", "/tls/key unknown"]
    ),
    (.route, #"{"name":"r"}"#, ["/match required", " choice"]),
    (
        .route, #"{"name":"r","match":{},"backends":[{"service":"a"}]}"#,
        ["/match/hosts required", "/match/paths required"]
    ),
    (
        .route,
        #"{"name":"r","match":{"hosts":["API.test","a","a"],"paths":[{"prefix":"x"},{"exact":"/a","prefix":"/b"},{}],"methods":["get","CONNECT"]},"backends":[{"service":"a"}]}"#,
        [
            "/match/hosts/0 format", "/match/hosts/2 unique", "/match/paths/0/prefix format", "/match/paths/1 conflict",
            "/match/paths/2 required", "/match/methods/0 format", "/match/methods/1 format",
        ]
    ),
    (
        .route,
        #"{"name":"r","match":{"hosts":["a"],"paths":[{"template":"/a{b}"},{"template":"/{a+}/{b+}"},{"exact":"/{a}"},{"prefix":"/a//b"},{"exact":"/a/../b"},{"regex":"("},{"regex":"/(?=a)"},{"exact":"/a?b"}]},"backends":[{"service":"a"}]}"#,
        [
            "/match/paths/0/template format", "/match/paths/1/template format", "/match/paths/2/exact format",
            "/match/paths/3/prefix format", "/match/paths/4/exact format", "/match/paths/5/regex format",
            "/match/paths/6/regex format", "/match/paths/7/exact format",
        ]
    ),
    (
        .route,
        #"{"name":"r","match":{"hosts":["a"],"paths":[{"exact":"/"}]},"auth":{"anyOf":[{"oauth":{}}]},"backends":[{"service":"a","weight":1001}]}"#,
        ["/auth/anyOf/0 choice", "/auth/anyOf/0/oauth unknown", "/backends/0/weight range"]
    ),
    (
        .apiKey, #"{"name":"k","digest":"00","key":"tp_live_x","enabled":"yes","expiresAt":"soon"}"#,
        ["/enabled type", "/expiresAt format", "/digest unknown", "/key unknown"]
    ),
    (.quota, #"{"name":"q","limit":-1,"period":"fortnight"}"#, ["/limit range", "/period choice"]),
    (
        .quota, #"{"name":"q","limit":1.5,"period":"day","selector":{"routes":["a","a"],"x":1}}"#,
        ["/limit type", "/selector/routes/1 unique", "/selector/x unknown"]
    ),
    (.policy, #"{"name":"p"}"#, ["/kind required", "/per required", "/limit required", "/interval required"]),
    (
        .policy, #"{"name":"p","kind":"cache","per":"key","limit":1,"interval":"0s"}"#,
        ["/kind choice", "/interval range"]
    ),
    (.joinToken, #"{"kind":"toaster","lifetime":"1s"}"#, ["/kind choice", "/lifetime range"]),
    (.operator, #"{"name":"o","labels":{"a b":"x","ok":1}}"#, ["/labels/a b format", "/labels/ok type"]),
]

@Suite struct ResourceBodyTests {
    @Test(arguments: validBodies)
    func `a valid body survives being stored and read`(kind: Kind, text: String) throws {
        let body = try ResourceBody(JSON.parse(text), kind: kind, name: nil)
        let now = Timestamp(seconds: 1_800_000_000)
        let resource = Resource(
            key: ResourceKey(kind, tenant: kind.scope == .tenant ? "acme" : nil, name: body.name ?? "generated"),
            id: ResourceID(high: 7, low: 9), labels: body.labels, spec: body.spec, revision: 3, createdAt: now,
            updatedAt: now
        )
        let stored = try Resource(stored: resource.document(for: .storage), kind: kind)
        #expect(stored.document(for: .storage) == resource.document(for: .storage))
        #expect(stored.key == resource.key && stored.id == resource.id)

        // What people read they may send back.
        let sentBack = try ResourceBody(resource.document(for: .people), kind: kind, name: resource.key.name)
        #expect(sentBack.labels == body.labels)

        for audience in [FieldWriter.Audience.people, .storage] {
            for layout in [JSONLayout.compact, .pretty] {
                #expect(resource.documentText(for: audience, layout) == resource.document(for: audience).bytes(layout))
            }
        }
    }

    @Test(arguments: invalidBodies)
    func `an invalid body is refused with every fault and its place`(
        kind: Kind, text: String, expected: [String]
    ) throws {
        let error = try #require(throws: TurnpikeError.self) {
            try ResourceBody(JSON.parse(text), kind: kind, name: nil)
        }
        #expect(error.code == .invalidResource)
        #expect(Set(error.faults.map { "\($0.pointer) \($0.rule.rawValue)" }) == Set(expected))
    }

    @Test func `a name that differs from the path's is refused`() throws {
        let error = try #require(throws: TurnpikeError.self) {
            try ResourceBody(["name": "b"], kind: .tenant, name: "a")
        }
        #expect(error.faults.map(\.rule) == [.immutable])
    }

    @Test func `a tenant that differs from the path's is refused, and so is any where the kind has none`() throws {
        let body: JSON = ["name": "s", "tenant": "other", "endpoints": [["host": "10.0.0.1", "port": 80]]]
        let moved = try #require(throws: TurnpikeError.self) {
            try ResourceBody(body, kind: .service, name: "s", tenant: "acme")
        }
        #expect(moved.faults.map { "\($0.pointer) \($0.rule.rawValue)" } == ["/tenant immutable"])
        #expect(try ResourceBody(body, kind: .service, name: "s", tenant: "other").name == "s")
        let bound = try #require(throws: TurnpikeError.self) {
            try ResourceBody(["kind": "gateway", "tenant": "acme"], kind: .joinToken, name: nil)
        }
        #expect(bound.faults.map { "\($0.pointer) \($0.rule.rawValue)" } == ["/tenant unknown"])
    }

    @Test func `digests are stored and never shown`() throws {
        var body = try ResourceBody(["name": "k"], kind: .apiKey, name: nil)
        var key = try #require(body.spec as? APIKey)
        let digest = String(repeating: "0123456789abcdef", count: 4)
        key.digest = digest
        key.hint = "tp_live_abcd"
        body.spec = key
        let now = Timestamp(seconds: 1)
        let resource = Resource(
            key: ResourceKey(.apiKey, tenant: "acme", name: "k"), id: ResourceID(high: 1, low: 1), labels: [:],
            spec: body.spec, revision: 1, createdAt: now, updatedAt: now
        )
        #expect(resource.document(for: .storage)["digest"] == .string(digest))
        #expect(resource.document(for: .people)["digest"] == nil)
        #expect(resource.document(for: .people)["hint"] == "tp_live_abcd")
    }

    @Test func `kinds have distinct names, plurals and prefixes`() {
        #expect(Set(Kind.allCases.map(\.plural)).count == Kind.allCases.count)
        #expect(Set(Kind.allCases.map(\.idPrefix)).count == Kind.allCases.count)
        for kind in Kind.allCases { #expect(kind.spec.kind == kind && Kind(plural: kind.plural) == kind) }
    }

    @Test func `error codes have distinct names and a status that says an error`() {
        #expect(Set(ErrorCode.allCases.map(\.rawValue)).count == ErrorCode.allCases.count)
        for code in ErrorCode.allCases { #expect((400...599).contains(code.status) && !code.title.isEmpty) }
    }
}
