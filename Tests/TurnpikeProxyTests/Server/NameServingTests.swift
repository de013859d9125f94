// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry
import TurnpikeTestSupport

@testable import TurnpikeProxy

/// Endpoints with names, over sockets: the addresses are ones of this machine, and what names lead to is up to the test.
@Suite(.timeLimit(.minutes(1))) struct NameServingTests {
    /// Names as a test sets them.
    private final class Names: NameResolver {
        struct NotFound: Error {}

        private struct State {
            var addresses: [String]
            var asked = 0
            var isHeld = false
            var held: [CheckedContinuation<Void, Never>] = []
        }

        private let state: Mutex<State>

        init(_ addresses: [String], isHeld: Bool = false) {
            state = Mutex(State(addresses: addresses, isHeld: isHeld))
        }

        var asked: Int { state.withLock { $0.asked } }

        func set(_ addresses: [String]) { state.withLock { $0.addresses = addresses } }

        /// Lets all look-ups go on that wait, and those to come.
        func release() {
            let held = state.withLock { state in
                state.isHeld = false
                defer { state.held = [] }
                return state.held
            }
            for one in held { one.resume() }
        }

        func addresses(of host: String) async throws -> [String] {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    state.asked += 1
                    if state.isHeld { state.held.append(continuation) }
                    return !state.isHeld
                }
                if goesOn { continuation.resume() }
            }
            let addresses = state.withLock { $0.addresses }
            guard !addresses.isEmpty else { throw NotFound() }
            return addresses
        }
    }

    private func resources(_ port: Int, rate: Duration = .milliseconds(30)) -> [CompiledResource] {
        [
            Pieces.route(),
            .cluster(
                CompiledCluster(
                    tenant: "acme", name: "orders", id: ResourceID(high: 3, low: 1),
                    endpoints: [.init(host: "orders.test", port: port, weight: 1)], connectTimeout: .seconds(2),
                    responseTimeout: .seconds(10), dnsRefreshRate: rate)),
        ]
    }

    /// Two upstreams at the same port of two addresses of this machine.
    private func pair() async throws -> (Origin, Origin) {
        let first = try await Origin.start(host: "127.0.0.1")
        return (first, try await Origin.start(host: "127.0.0.2", port: first.port))
    }

    @Test(arguments: Transport.available)
    func `a change of addresses is followed within the refresh rate, and old connections are closed`(
        on transport: Transport
    ) async throws {
        let (first, second) = try await pair()
        let names = Names(["127.0.0.1"])
        try await GatewayHarness.run(on: transport, resources(first.port), resolver: names) { gateway async throws in
            let client = try await gateway.connect()
            try await client.send(GatewayHarness.get())
            #expect(try await client.response().status == 200)
            names.set(["127.0.0.2"])
            try await until("requests go to the other address") {
                try await client.send(GatewayHarness.get())
                guard try await client.response().status == 200 else { return false }
                return second.requests.count > 0
            }
            let before = first.requests.count
            for _ in 0..<10 { #expect(try await gateway.get().status == 200) }
            #expect(first.requests.count == before)
            try await until("the idle connection is closed") { first.openConnections == 0 }
            names.set(["127.0.0.2", "127.0.0.1"])
            try await until("requests go to both") {
                _ = try await gateway.get()
                return first.requests.count > before
            }
        }
        await first.stop()
        await second.stop()
    }

    @Test(arguments: Transport.available)
    func `a request that comes before the name was looked up waits for that, and asks no second time`(
        on transport: Transport
    ) async throws {
        let (first, second) = try await pair()
        let names = Names(["127.0.0.2"], isHeld: true)
        try await GatewayHarness.run(
            on: transport, resources(first.port, rate: .seconds(600)), resolver: names
        ) { gateway async throws in
            let clients = [try await gateway.connect(), try await gateway.connect()]
            for client in clients { try await client.send(GatewayHarness.get()) }
            try await until("both requests are under way") { gateway.metrics.render().contains("connections 2\n") }
            names.release()
            for client in clients { #expect(try await client.response().status == 200) }
            for _ in 0..<5 { #expect(try await gateway.get().status == 200) }
            #expect(names.asked == 1 && second.requests.count == 7 && first.requests.isEmpty)
        }
        await first.stop()
        await second.stop()
    }

    @Test(arguments: Transport.available)
    func `while look-ups fail the last answer holds`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let names = Names(["127.0.0.1"])
        try await GatewayHarness.run(on: transport, resources(origin.port), resolver: names) { gateway async throws in
            #expect(try await gateway.get().status == 200)
            names.set([])
            let before = names.asked
            try await until("some have failed") { names.asked > before + 3 }
            #expect(try await gateway.get().status == 200)
            #expect(gateway.metrics.render().contains("turnpike_name_lookups_total{outcome=\"failed\"}"))
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a name that leads nowhere is a 503, until it leads somewhere`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let names = Names([])
        try await GatewayHarness.run(on: transport, resources(origin.port), resolver: names) { gateway async throws in
            let refused = try await gateway.get()
            #expect(refused.status == 503 && !refused.text.contains("orders.test"))
            names.set(["127.0.0.1"])
            try await until("it is found") { try await gateway.get().status == 200 }
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `where an address of one family cannot be reached, one of the other is`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let names = Names(["::1", "127.0.0.1"])
        try await GatewayHarness.run(on: transport, resources(origin.port), resolver: names) { gateway async throws in
            for _ in 0..<5 { #expect(try await gateway.get().status == 200) }
            #expect(gateway.metrics.render().contains("upstream_failures") == false)
        }
        await origin.stop()
    }

    @Test func `the system's resolver knows this machine, gives each address once, and says where there is none`()
        async throws
    {
        let resolver = SystemResolver()
        let addresses = try await resolver.addresses(of: "localhost")
        #expect(addresses.contains("127.0.0.1") || addresses.contains("::1"))
        #expect(Set(addresses).count == addresses.count)
        #expect(try await resolver.addresses(of: "192.0.2.7") == ["192.0.2.7"])
        await #expect(throws: SystemResolver.Fault.self) { try await resolver.addresses(of: "nowhere.invalid") }
    }
}
