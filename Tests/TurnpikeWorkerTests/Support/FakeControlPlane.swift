// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TurnpikeModel

/// What the fake got.
struct FakeRequest: Sendable {
    var method: String
    /// With its query.
    var target: String
    var headers: HTTPHeaders
    var bearer: String?
    var body: JSON

    /// The last part of the path.
    var call: String { String(target.prefix { $0 != "?" }.split(separator: "/").last ?? "") }
}

enum FakeReply: Sendable {
    case json(Int, JSON)
    case empty(Int)
    /// Without content, and with a wish for so many seconds of quiet.
    case busy(Int, retryAfter: Int)
    /// Closes the connection without an answer.
    case hangUp
    /// 200, and bytes for as long as there are any.
    case stream(AsyncStream<[UInt8]>)

    static func problem(_ status: Int, _ detail: String) -> FakeReply {
        .json(status, ["title": "No", "status": .integer(Int64(status)), "detail": .string(detail)])
    }
}

/// An HTTP server on a free port that answers as a test says and keeps what it was asked.
final class FakeControlPlane: Sendable {
    typealias Answer = @Sendable (FakeRequest) async -> FakeReply

    private let channel: any Channel
    private let log: RequestLog

    var address: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }
    var requests: [FakeRequest] { log.requests }

    /// Returns as soon as what was asked so far satisfies `condition`.
    func wait(until condition: @escaping @Sendable ([FakeRequest]) -> Bool) async {
        await withCheckedContinuation { log.add(RequestLog.Waiter(condition: condition, continuation: $0)) }
    }

    private init(channel: any Channel, log: RequestLog) {
        self.channel = channel
        self.log = log
    }

    static func run<Result>(
        isolation: isolated (any Actor)? = #isolation, answering answer: @escaping Answer,
        _ body: (FakeControlPlane) async throws -> Result
    ) async throws -> Result {
        let log = RequestLog()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        FakeHandler { request in
                            log.add(request)
                            return await answer(request)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let fake = FakeControlPlane(channel: channel, log: log)
        do {
            let result = try await body(fake)
            try await channel.close()
            return result
        } catch {
            try? await channel.close()
            throw error
        }
    }
}

private final class RequestLog: Sendable {
    struct Waiter {
        var condition: @Sendable ([FakeRequest]) -> Bool
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var requests: [FakeRequest] = []
        var waiters: [Waiter] = []

        mutating func resumeWaiters() {
            let requests = requests
            for waiter in waiters where waiter.condition(requests) { waiter.continuation.resume() }
            waiters.removeAll { $0.condition(requests) }
        }
    }

    private let state = Mutex(State())

    var requests: [FakeRequest] { state.withLock { $0.requests } }

    func add(_ request: FakeRequest) {
        state.withLock { state in
            state.requests.append(request)
            state.resumeWaiters()
        }
    }

    func add(_ waiter: Waiter) {
        state.withLock { state in
            state.waiters.append(waiter)
            state.resumeWaiters()
        }
    }
}

private final class FakeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answer: FakeControlPlane.Answer
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var task: Task<Void, Never>?

    init(_ answer: @escaping FakeControlPlane.Answer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let part): body += part.readableBytesView
        case .end:
            guard let head else { return }
            let bearer = head.headers.first(name: "Authorization").map { String($0.dropFirst("Bearer ".count)) }
            let request = FakeRequest(
                method: head.method.rawValue, target: head.uri, headers: head.headers, bearer: bearer,
                body: (try? JSON.parse(body)) ?? .null
            )
            let channel = context.channel
            task = Task { [answer] in await FakeHandler.send(await answer(request), on: channel) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        task?.cancel()
        context.fireChannelInactive()
    }

    /// A connection that is gone meanwhile is what some tests are about, so failures to write are passed over.
    private static func send(_ reply: FakeReply, on channel: any Channel) async {
        switch reply {
        case .hangUp: try? await channel.close()
        case .json(let status, let json): await send(status, json.utf8, on: channel)
        case .empty(let status): await send(status, [], on: channel)
        case .busy(let status, let seconds):
            await send(status, [], ["Retry-After": "\(seconds)"], on: channel)
        case .stream(let pieces):
            try? await write(.head(HTTPResponseHead(version: .http1_1, status: .ok)), on: channel)
            for await piece in pieces {
                try? await write(.body(.byteBuffer(ByteBuffer(bytes: piece))), on: channel)
            }
            try? await write(.end(nil), on: channel)
        }
    }

    private static func send(
        _ status: Int, _ body: [UInt8], _ fields: HTTPHeaders = [:], on channel: any Channel
    ) async {
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        headers.add(contentsOf: fields)
        if status != 204 { headers.add(name: "Content-Length", value: "\(body.count)") }
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
        try? await write(.head(head), on: channel)
        if !body.isEmpty { try? await write(.body(.byteBuffer(ByteBuffer(bytes: body))), on: channel) }
        try? await write(.end(nil), on: channel)
    }

    private static func write(_ part: HTTPServerResponsePart, on channel: any Channel) async throws {
        try await channel.writeAndFlush(part)
    }
}
