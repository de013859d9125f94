// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing
import TurnpikeModel
import TurnpikeTestSupport

/// What an operator and the world do to a gateway under load, for some seconds. `make soak` does it for minutes, and worse.
@Suite(.serialized) struct SoakTests {
    private static let rounds = 12
    private static let changesInRound = 25
    private static let resetsInRound = 20

    @Test(arguments: ["epoll", "nio"])
    func `no request fails while the configuration changes, an endpoint dies and comes back, and clients reset`(
        on transport: String
    ) async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        try await Stage.with { stage in
            let endpoints = try await Endpoints.start(3)
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await stage.makeCertificate("api.acme.test", "default")
            let gateway = try await GatewayProcess.start(
                joining: plane, on: stage,
                options: [
                    "--transport", transport, "--loops", "2", "--secure-listen", "127.0.0.1:0", "--certificates",
                    "\(stage.folder)/certificates",
                ])
            var changes = SoakChanges(plane, ports: endpoints.ports, random: SeededGenerator(seed: seed))
            let key = try await changes.begin()
            let tally = try await Load.on(gateway, key: key, clients: 3, by: Load.Way.allCases) { load in
                for round in 0..<Self.rounds {
                    async let resets: Void = ClientResets(gateway, seed: seed &+ UInt64(round)).make(Self.resetsInRound)
                    try await endpoints.die(round % 3)
                    for _ in 0..<Self.changesInRound / 2 { try await changes.make() }
                    try await load.advance(by: 50)
                    try await endpoints.comeBack(round % 3)
                    for _ in Self.changesInRound / 2..<Self.changesInRound { try await changes.make() }
                    try await load.advance(by: 50)
                    try await resets
                }
            }
            #expect(tally.failures == [], "seed \(seed)")
            // The gateway has followed all the while, and counted each request once, however often it was tried.
            try await changes.end()
            try await until("all usage has arrived") { try await plane.usage()["2xx", default: 0] >= tally.served }
            #expect(try await gateway.process.terminate() == 0)
            #expect(try await plane.usage()["2xx"] == tally.served, "seed \(seed)")
            try await endpoints.stop()
        }
    }
}

/// The endpoints of one service, each on a port that it keeps.
private final class Endpoints: Sendable {
    let ports: [Int]
    private let origins: Mutex<[Origin]>
    /// Long enough for some requests to be under way at any moment.
    private static let pause = TimeAmount.milliseconds(2)

    private init(_ origins: [Origin]) {
        ports = origins.map(\.port)
        self.origins = Mutex(origins)
    }

    static func start(_ count: Int) async throws -> Endpoints {
        var origins: [Origin] = []
        for _ in 0..<count { origins.append(try await Origin.start(pause: pause)) }
        return Endpoints(origins)
    }

    func die(_ number: Int) async throws { try await origins.withLock { $0[number] }.die() }

    func comeBack(_ number: Int) async throws {
        let next = try await Origin.start(port: ports[number], pause: Self.pause)
        origins.withLock { $0[number] = next }
    }

    func stop() async throws {
        for origin in origins.withLock({ $0 }) { try await origin.stop() }
    }
}

/// An operator who cannot leave a tenant alone: each time one of its routes, keys or endpoints is another.
private struct SoakChanges {
    private let plane: ControlPlaneProcess
    private let ports: [Int]
    private var random: SeededGenerator
    private var made = 0
    private var guests: [String] = []

    init(_ plane: ControlPlaneProcess, ports: [Int], random: SeededGenerator) {
        self.plane = plane
        self.ports = ports
        self.random = random
    }

    /// Tenant, service and route of the load, in their first state.
    ///
    /// - Returns: a key for it.
    func begin() async throws -> String {
        try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
        try await plane.call(.PUT, "/v1/tenants/acme/services/orders", service(ports))
        // No quota: on a busy machine a lease may come later than requests wait for it, and then they are refused by right.
        try await plane.call(
            .PUT, "/v1/tenants/acme/policies/burst",
            ["kind": "rateLimit", "per": "key", "limit": 1_000_000, "interval": "1s"])
        try await plane.call(.PUT, "/v1/tenants/acme/routes/orders", route(0))
        let target = "/v1/tenants/acme/api-keys?wait=applied&timeout=30s"
        return try await plane.call(.POST, target, ["name": "partner"])["key"]?.string ?? ""
    }

    mutating func make() async throws {
        made += 1
        switch made % 5 {
        case 0: try await plane.call(.PUT, "/v1/tenants/acme/routes/orders", route(made))
        case 1: try await changeKeys()
        case 2, 3:
            // All of them or two, in any order: where one is dead, one that lives is left.
            let some = ports.shuffled(using: &random).prefix(Bool.random(using: &random) ? 2 : 3)
            try await plane.call(.PUT, "/v1/tenants/acme/services/orders", service(Array(some)))
        default:
            let other = "/v1/tenants/acme/routes/other-\(Int.random(in: 0..<8, using: &random))"
            try await plane.call(.PUT, other, route(made, path: "/v1/other/\(made)"))
        }
    }

    private mutating func changeKeys() async throws {
        guard guests.count >= 3 else {
            guests.append("guest-\(made)")
            try await plane.call(.POST, "/v1/tenants/acme/api-keys", ["name": .string("guest-\(made)")])
            return
        }
        let guest = guests.remove(at: Int.random(in: 0..<guests.count, using: &random))
        try await plane.call(.DELETE, "/v1/tenants/acme/api-keys/\(guest)")
    }

    /// One more change, which the gateway must apply.
    func end() async throws {
        let rollout = try await plane.call(
            .PUT, "/v1/tenants/acme/routes/orders?wait=applied&timeout=30s", route(-1))["rollout"]
        #expect(rollout?["state"] == "complete")
    }

    /// Each version differs in a field that the gateway sets in answers.
    private func route(_ version: Int, path: String = "/v1/orders") -> JSON {
        [
            "match": ["hosts": ["api.acme.test"], "paths": [["prefix": .string(path)]]],
            "auth": ["anyOf": [["apiKey": [:]]]], "backends": [["service": "orders"]],
            "headers": ["response": ["set": ["X-Version": .string("\(version)")]]],
        ]
    }

    private func service(_ ports: [Int]) -> JSON {
        [
            "endpoints": .array(ports.map { ["host": "127.0.0.1", "port": .integer(Int64($0))] }),
            "retries": [
                "attempts": 3, "on": ["connectFailure", "reset"], "backOff": ["baseInterval": "5ms"],
                "budget": ["percent": 100, "minPerSecond": 1000],
            ],
        ]
    }
}

/// Clients that connect, say nothing, a part of a request or all of it, and reset, in the clear and where TLS is spoken.
private struct ClientResets {
    private let ports: [Int]
    private let seed: UInt64

    init(_ gateway: GatewayProcess, seed: UInt64) {
        ports = [gateway.url, gateway.secureURL ?? gateway.url].compactMap {
            $0.split(separator: ":").last.flatMap { Int($0) }
        }
        self.seed = seed
    }

    func make(_ count: Int) async throws {
        var random = SeededGenerator(seed: seed)
        // Without a key, so that none of these is ever among those that are answered.
        let request = "GET /v1/orders/1 HTTP/1.1\r\nHost: api.acme.test\r\n\r\n"
        // Of a record with a ClientHello, the beginning.
        let hello = "\u{16}\u{03}\u{01}\u{02}\u{00}\u{01}\u{00}\u{01}\u{7C}\u{03}\u{03}"
        for number in 0..<count {
            let text =
                ["", String(request.prefix(.random(in: 1..<request.count, using: &random))), request, hello]
                .randomElement(using: &random) ?? ""
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: ports[number % ports.count]).get()
            // The gateway may be the first to close, where this is not what it expects.
            try? await channel.writeAndFlush(ByteBuffer(string: text)).get()
            try? await channel.reset()
        }
    }
}
