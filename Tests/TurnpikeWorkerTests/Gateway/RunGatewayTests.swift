// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing
import TurnpikeIdentity
import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxy
import TurnpikeSnapshot
import TurnpikeTelemetry
import TurnpikeTestSupport

@testable import TurnpikeWorker

private let tenant = ResourceID(high: 1, low: 1)
private let apiKey = Secret.generate(.apiKey)

/// One route of one tenant, for which a key is needed, to an upstream on `port`.
private func configuration(_ revision: Revision, upstream port: Int) -> Snapshot {
    snapshot(
        revision,
        .route(
            CompiledRoute(
                tenant: "acme", name: "orders", id: ResourceID(high: 3, low: 3), tenantID: tenant,
                hosts: ["api.acme.test"],
                paths: [.prefix("/v1/orders")], methods: [], priority: 0, requiresKey: true,
                backends: [.init(cluster: "orders", weight: 100)]
            )),
        .cluster(
            CompiledCluster(
                tenant: "acme", name: "orders", id: ResourceID(high: 4, low: 4),
                endpoints: [.init(host: "127.0.0.1", port: port, weight: 1)], connectTimeout: .seconds(5),
                responseTimeout: .seconds(5)
            )),
        .key(
            CompiledKey(
                tenant: "acme", name: "partner", id: ResourceID(high: 2, low: 2), tenantID: tenant,
                digest: apiKey.digest,
                expiresAt: nil, routes: []
            ))
    )
}

/// A control plane that knows one configuration and keeps a ledger; it can go away and come back.
private final class MiniControlPlane: Sendable {
    struct State {
        var isAway = false
        var snapshot: Snapshot
        var ledgers: [Epoch: Ledger] = [:]
        var ended: Set<Epoch> = []
    }

    let state: Mutex<State>

    init(_ snapshot: Snapshot) { state = Mutex(State(snapshot: snapshot)) }

    func answer(_ request: FakeRequest) -> FakeReply {
        state.withLock { state in
            if state.isAway { return .hangUp }
            switch request.call {
            case "workers": return .json(201, testIdentity.json)
            case "acknowledgements": return .empty(204)
            case "credential": return .json(200, testIdentity.json)
            case "stream": return stream(state.snapshot, from: request.target)
            case "usage":
                guard let batch = try? UsageBatch(json: request.body) else { return .problem(422, "no batch") }
                state.ledgers[batch.epoch, default: Ledger()].take(batch)
                if batch.isFinal { state.ended.insert(batch.epoch) }
                return .json(200, UsageReceipt(epoch: batch.epoch, sequence: batch.sequence).json)
            default: return .problem(404, request.target)
            }
        }
    }

    private func stream(_ snapshot: Snapshot, from target: String) -> FakeReply {
        let (stream, continuation) = AsyncStream<[UInt8]>.makeStream()
        if !target.hasSuffix("revision=\(snapshot.revision)") {
            let all = frames(snapshot.revision, isSnapshot: true, set: Array(snapshot.resources.values))
            continuation.yield(all.flatMap(\.line))
        }
        return .stream(stream)
    }

    /// Requests in all ledgers, by status class.
    var counted: [UInt8: Int64] {
        state.withLock { state in
            var sums: [UInt8: Int64] = [:]
            for (key, counters) in state.ledgers.values.flatMap(\.usage) {
                sums[key.statusClass, default: 0] += counters.requests
            }
            return sums
        }
    }
}

/// A worker that runs until its group is shut down.
private struct RunningWorker {
    let ports: GatewayPorts
    let group: ServiceGroup
    let task: Task<Void, any Error>

    static func start(_ options: GatewayWorkerOptions) async throws -> RunningWorker {
        let (started, start) = AsyncStream<GatewayPorts>.makeStream()
        let service = ClosureService {
            defer { start.finish() }
            try await runGateway(options, logger: quietLogger, metrics: MetricsRegistry()) { start.yield($0) }
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: quietLogger
            )
        )
        let task = Task { try await group.run() }
        guard let ports = await started.first(where: { _ in true }) else {
            try await task.value
            throw CancellationError()
        }
        return RunningWorker(ports: ports, group: group, task: task)
    }

    func stop() async throws {
        await group.triggerGracefulShutdown()
        try await task.value
    }

    func get(
        _ path: String = "/v1/orders/7", key: String? = apiKey.text, _ fields: [String: String] = [:]
    ) async throws -> Int {
        var headers = ["Host": "api.acme.test"]
        headers["X-Api-Key"] = key
        headers.merge(fields) { _, given in given }
        return try await status(of: path, headers, port: ports.gateway)
    }

    func readiness() async throws -> Int { try await status(of: "/readyz", ["Host": "localhost"], port: ports.admin) }
}

/// The status that a server answers a GET with.
private func status(of path: String, _ headers: [String: String], port: Int) async throws -> Int {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                    wrappingChannelSynchronously: channel
                )
            }
        }
    return try await channel.executeThenClose { inbound, outbound in
        var fields = HTTPHeaders(headers.map { ($0.key, $0.value) })
        fields.add(name: "Connection", value: "close")
        try await outbound.write(.head(HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: fields)))
        try await outbound.write(.end(nil))
        for try await part in inbound {
            if case .head(let head) = part { return Int(head.status.code) }
        }
        return 0
    }
}

@Suite(.timeLimit(.minutes(1))) struct RunGatewayTests {
    private func options(
        _ fake: FakeControlPlane, _ directory: String, token: String? = "tp_join_x", loops: Int = 1
    ) throws
        -> GatewayWorkerOptions
    {
        GatewayWorkerOptions(
            controlPlane: try #require(ControlPlaneAddress(fake.address)),
            listen: ListenAddress(host: "127.0.0.1", port: 0), adminListen: ListenAddress(host: "127.0.0.1", port: 0),
            stateDirectory: directory + "/state", joinToken: token, loops: loops, reportTimeout: .milliseconds(500)
        )
    }

    /// An upstream, a control plane that knows a route to it, and a directory for the worker.
    private func withWorld(
        _ body: (MiniControlPlane, FakeControlPlane, String) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { path in
            try await FakeControlPlane.run(answering: { _ in .json(200, ["hello": "world"]) }) { upstream in
                let port = try #require(Int(upstream.address.split(separator: ":").last ?? ""))
                let control = MiniControlPlane(configuration(7, upstream: port))
                try await FakeControlPlane.run(answering: { control.answer($0) }) { fake in
                    try await body(control, fake, path)
                }
            }
        }
    }

    private func applied(_ fake: FakeControlPlane) async {
        await fake.wait { $0.contains { $0.call == "acknowledgements" } }
    }

    @Test func `a worker joins, serves what it is told, and reports every request`() async throws {
        try await withWorld { control, fake, path in
            let worker = try await RunningWorker.start(try options(fake, path))
            await applied(fake)
            #expect(try await worker.readiness() == 200)
            for _ in 0..<5 { #expect(try await worker.get() == 200) }
            for _ in 0..<3 { #expect(try await worker.get(key: nil) == 401) }
            try await worker.stop()
            #expect(control.counted == [2: 5, 4: 3])
            control.state.withLock { #expect($0.ended.count == 1) }
            #expect(try JournalDirectory(path + "/state/journal").epochs() == [])
        }
    }

    @Test func `a worker starts from its last good configuration while the control plane is away`() async throws {
        try await withWorld { control, fake, path in
            let first = try await RunningWorker.start(try options(fake, path))
            await applied(fake)
            #expect(try await first.get() == 200)
            control.state.withLock { $0.isAway = true }
            #expect(try await first.get() == 200)
            try await first.stop()

            let second = try await RunningWorker.start(try options(fake, path, token: nil))
            #expect(try await second.readiness() == 200)
            #expect(try await second.get() == 200)

            // Back again: what both boots counted arrives, once.
            control.state.withLock { $0.isAway = false }
            try await second.stop()
            let third = try await RunningWorker.start(try options(fake, path, token: nil))
            await fake.wait { _ in control.counted == [2: 3] }
            try await third.stop()
            #expect(control.counted == [2: 3])
            #expect(try JournalDirectory(path + "/state/journal").epochs() == [])
        }
    }

    @Test func `each loop counts in an epoch of its own, and together they count every request once`() async throws {
        try await withWorld { control, fake, path in
            let worker = try await RunningWorker.start(try options(fake, path, loops: 3))
            await applied(fake)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<30 { group.addTask { try await worker.get() } }
                for try await status in group { #expect(status == 200) }
            }
            control.state.withLock { $0.isAway = true }
            for _ in 0..<6 { #expect(try await worker.get() == 200) }
            try await worker.stop()
            let epochs = try JournalDirectory(path + "/state/journal").epochs()
            #expect(epochs.count == 3 && Set(epochs).count == 3)

            // The next boot delivers what each of the three had left, and counts in others itself.
            control.state.withLock { $0.isAway = false }
            let next = try await RunningWorker.start(try options(fake, path, token: nil, loops: 2))
            // The worker forgets one once it has heard that it is ended.
            try await until("the epochs of the first boot are ended, and forgotten") {
                try control.state.withLock { $0.ended.isSuperset(of: epochs) }
                    && JournalDirectory(path + "/state/journal").epochs().allSatisfy { !epochs.contains($0) }
            }
            try await next.stop()
            #expect(control.counted == [2: 36])
            control.state.withLock { #expect($0.ended.count == 5) }
            #expect(try JournalDirectory(path + "/state/journal").epochs() == [])
        }
    }

    @Test func `a worker without a configuration is not ready`() async throws {
        try await withWorld { control, fake, path in
            let store = try WorkerIdentityStore(file: try StateDirectory(path + "/state").identityFile)
            try store.adopt(testIdentity)
            control.state.withLock { $0.isAway = true }
            let worker = try await RunningWorker.start(try options(fake, path, token: nil))
            #expect(try await worker.readiness() == 503)
            #expect(try await worker.get() == 503)
            try await worker.stop()
        }
    }

    @Test(arguments: Transport.available)
    func `a collector gets the spans of requests that upstreams were told of, and nothing that is secret`(
        on transport: Transport
    ) async throws {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        try await withTemporaryDirectory { path in
            try await FakeControlPlane.run(answering: { _ in .json(200, ["hello": "world"]) }) { upstream in
                let port = try #require(Int(upstream.address.split(separator: ":").last ?? ""))
                let control = MiniControlPlane(configuration(7, upstream: port))
                try await FakeControlPlane.run(answering: { _ in .json(200, [:]) }) { collector in
                    try await FakeControlPlane.run(answering: { control.answer($0) }) { fake in
                        var options = try options(fake, path)
                        options.transport = transport
                        options.tracing = .init(
                            collector: try #require(CollectorAddress(collector.address)), share: 0,
                            interval: .milliseconds(5))
                        let worker = try await RunningWorker.start(options)
                        await applied(fake)
                        #expect(
                            try await worker.get(
                                "/v1/orders/7?card=4111-hidden",
                                ["traceparent": parent, "Cookie": "session=hidden", "tracestate": "vendor=kept"]) == 200
                        )
                        #expect(try await worker.get() == 200)
                        #expect(try await worker.get(key: "tp_live_hidden", ["traceparent": parent]) == 401)
                        try await worker.stop()
                    }
                    try expectSpans(of: parent, collector.requests, upstream.requests)
                }
            }
        }
    }

    /// Of a request that the upstream got, and of one that was refused; none of the one whose client did not ask for it.
    private func expectSpans(of parent: String, _ exports: [FakeRequest], _ upstream: [FakeRequest]) throws {
        // What was under way as the gateway stopped is told once more.
        let told = exports.flatMap { $0.body["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.array ?? [] }
        var ids: Set<String?> = []
        let spans = told.filter { ids.insert($0["spanId"]?.string).inserted }
        #expect(
            spans.count == 3 && spans.allSatisfy { $0["traceId"]?.string == String(parent.dropFirst(3).prefix(32)) })
        let served = try #require(spans.first { $0["parentSpanId"]?.string == String(parent.dropFirst(36).prefix(16)) })
        let sent = try #require(spans.first { $0["kind"] == 3 })
        #expect(sent["parentSpanId"] == served["spanId"] && served["name"] == "GET /v1/orders")
        let forwarded = try #require(upstream.first?.headers["traceparent"].first)
        #expect(forwarded == parent.prefix(36) + (sent["spanId"]?.string ?? "") + "-01")
        #expect(upstream.first?.headers["tracestate"] == ["vendor=kept"])
        #expect(upstream.count == 2 && upstream[1].headers["traceparent"].first?.hasSuffix("-00") == true)

        let text = exports.map(\.body.text).joined()
        #expect(text.contains(#"{"key":"service.instance.id","value":{"stringValue":"\#(testIdentity.id)"}}"#))
        for secret in [apiKey.text, "hidden", "4111", "card", "session", "vendor"] { #expect(!text.contains(secret)) }
    }

    @Test func `a refused join token ends the worker with the reason`() async throws {
        try await withTemporaryDirectory { path in
            try await FakeControlPlane.run(answering: { _ in .problem(401, "The token has expired.") }) { fake in
                let error = await #expect(throws: EnrolmentFailure.self) {
                    _ = try await RunningWorker.start(try options(fake, path))
                }
                #expect(error?.description.contains("The token has expired.") == true)
            }
        }
    }

    @Test func `a port that is taken ends the worker with the reason`() async throws {
        try await withWorld { _, fake, path in
            var options = try options(fake, path)
            options.listen.port = try #require(Int(fake.address.split(separator: ":").last ?? ""))
            let taken = options
            let error = await #expect(throws: StartFailure.self) { _ = try await RunningWorker.start(taken) }
            #expect(error?.description.contains("cannot listen") == true)
        }
    }
}
