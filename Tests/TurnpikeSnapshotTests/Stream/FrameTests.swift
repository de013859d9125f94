// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

private let tenantID = ResourceID(high: 1, low: 2)

private let resources: [CompiledResource] = [
    .route(
        CompiledRoute(
            tenant: "acme", name: "orders", id: ResourceID(high: 3, low: 4), tenantID: tenantID,
            hosts: ["api.acme.test"],
            paths: [.prefix("/v1"), .template("/a/{b+}")], methods: ["GET"], priority: -3, requiresKey: true,
            backends: [.init(cluster: "orders", weight: 100)]
        )),
    .cluster(
        CompiledCluster(
            tenant: "acme", name: "orders", id: ResourceID(high: 5, low: 6),
            endpoints: [.init(host: "127.0.0.1", port: 9001, weight: 1)], connectTimeout: .milliseconds(250),
            responseTimeout: .seconds(30)
        )),
    .key(
        CompiledKey(
            tenant: "acme", name: "partner-1", id: ResourceID(high: 7, low: 8), tenantID: tenantID,
            digest: KeyDigest(words: (1, .max, 0, 0x0123_4567_89AB_CDEF)), expiresAt: Timestamp(seconds: 1_900_000_000),
            routes: ["orders"]
        )),
    .rateLimit(
        CompiledRateLimit(
            tenant: "acme", name: "burst", id: ResourceID(high: 9, low: 1), per: .key, limit: 100,
            interval: .seconds(1),
            burst: 200
        )),
    .quota(
        CompiledQuota(
            tenant: "acme", name: "monthly", id: ResourceID(high: 9, low: 2), tenantID: tenantID, per: .tenant,
            limit: 1_000_000, period: .month, enforcement: .hard
        )),
]

@Suite struct FrameTests {
    @Test func `every frame survives the wire`() throws {
        let frames: [Frame] =
            resources.map(Frame.set) + resources.map { .remove($0.name) }
            + [.begin(isSnapshot: true), .begin(isSnapshot: false), .commit(7), .heartbeat(9), .revoked]
            + [
                .probe(Probe(id: 3, subjects: [.init(policy: ResourceID(high: 9, low: 1), subject: tenantID)])),
                .probe(Probe(id: 0, subjects: [])),
            ]
        for frame in frames {
            #expect(frame.line.last == 0x0A && !frame.line.dropLast().contains(0x0A))
            #expect(try Frame(line: frame.line) == frame)
        }
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"frame":"dance"}"#, #"{"frame":"commit"}"#, #"{"frame":"commit","revision":-1}"#,
        #"{"frame":"set"}"#, #"{"frame":"set","resource":{"type":"route"}}"#, #"{"frame":"remove","name":"x"}"#,
        #"{"frame":"begin","snapshot":true,"extra":1}"#, #"{"frame":"probe","subjects":[]}"#,
        #"{"frame":"probe","id":1,"subjects":[{"policy":"pol_1","subject":"key_1"}]}"#,
    ])
    func `a frame that is not understood whole is refused`(line: String) {
        #expect(throws: TurnpikeError.self) { try Frame(line: Array(line.utf8)) }
    }

    @Test func `a head says of a line what the whole frame says`() throws {
        for resource in resources {
            #expect(try FrameHead(line: Frame.set(resource).line[...]) == .set(resource.name))
            #expect(try FrameHead(line: Frame.remove(resource.name).line[...]) == .remove(resource.name))
        }
        #expect(try FrameHead(line: Frame.commit(7).line[...]) == .commit(7))
        for frame in [Frame.begin(isSnapshot: true), .begin(isSnapshot: false), .heartbeat(9), .revoked] {
            #expect(try FrameHead(line: frame.line[...]) == .other)
        }
    }

    @Test func `a head is read from a piece of a buffer, and from lines that are written otherwise`() throws {
        guard case .route(var route) = resources[0] else { return }
        route.name = #"a "quoted" \ name"#
        route.tenant = "f\u{FC}nf"
        let line = Frame.set(.route(route)).line
        let buffer = Array("before\n".utf8) + line + Array("behind".utf8)
        #expect(try FrameHead(line: buffer[7..<(7 + line.count)]) == .set(CompiledResource.route(route).name))
        // Another writer may put spaces, or fields in another order.
        let spaced = String(decoding: Frame.set(resources[4]).line, as: UTF8.self).replacing(":", with: ": ")
        #expect(try FrameHead(line: Array(spaced.utf8)[...]) == .set(resources[4].name))
    }

    @Test(arguments: [
        "", #"{"frame":"set","resource":{"type":"route","tenant":"acme","name":"orders"#,
        #"{"frame":"set","resource":{"type":"dance","tenant":"acme","name":"orders"}}"#,
        #"{"frame":"set","resource":{"tenant":"acme","name":"orders"}}"#, #"{"frame":"remove","name":"x"}"#,
    ])
    func `a line without a head is refused`(line: String) {
        #expect(throws: TurnpikeError.self) { try FrameHead(line: Array(line.utf8)[...]) }
    }

    @Test func `a delta's frames lead to the same state as the delta`() throws {
        let delta = Delta(revision: 12, isSnapshot: true, set: resources, removed: [])
        var assembler = DeltaAssembler()
        var assembled: Delta?
        for frame in delta.frames { assembled = try assembler.take(frame) ?? assembled }
        #expect(assembled == delta)

        var snapshot = Snapshot()
        snapshot.apply(try #require(assembled))
        snapshot.apply(Delta(revision: 13, isSnapshot: false, set: [], removed: [resources[0].name]))
        #expect(snapshot.revision == 13 && snapshot.resources.count == resources.count - 1)
    }

    @Test func `frames out of order are refused`() {
        for frame in [Frame.set(resources[0]), .remove(resources[0].name), .commit(1)] {
            #expect(throws: TurnpikeError.self) {
                var assembler = DeltaAssembler()
                _ = try assembler.take(frame)
            }
        }
        #expect(throws: TurnpikeError.self) {
            var assembler = DeltaAssembler()
            _ = try assembler.take(.begin(isSnapshot: false))
            _ = try assembler.take(.begin(isSnapshot: false))
        }
    }

    @Test func `names lead back to what an operator knows`() {
        #expect(CompiledName("route/acme/orders")?.source == ResourceKey(.route, tenant: "acme", name: "orders"))
        #expect(CompiledName("route/acme") == nil && CompiledName("x/acme/o") == nil)
    }

    @Test func `a digest survives hexadecimal and compares all of its words`() {
        let digest = KeyDigest(words: (0, 1, .max, 0xDEAD_BEEF))
        #expect(KeyDigest(hex: digest.hex) == digest)
        for other: (UInt64, UInt64, UInt64, UInt64) in [
            (1, 1, .max, 0xDEAD_BEEF), (0, 0, .max, 0xDEAD_BEEF), (0, 1, 0, 0xDEAD_BEEF), (0, 1, .max, 0),
        ] {
            #expect(KeyDigest(words: other) != digest)
        }
        #expect(KeyDigest(hex: "zz") == nil && KeyDigest(hex: String(repeating: "A", count: 64)) == nil)
    }
}
