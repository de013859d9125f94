// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TurnpikeModel

/// A collector of traces within the test process: takes whatever it is sent by OTLP in JSON.
final class Collector: Sendable {
    private let channel: any Channel
    private let bodies: Bodies

    private final class Bodies: Sendable {
        let all = Mutex<[JSON]>([])
    }

    private init(channel: any Channel, bodies: Bodies) {
        self.channel = channel
        self.bodies = bodies
    }

    static func start() async throws -> Collector {
        let bodies = Bodies()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(bodies: bodies))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return Collector(channel: channel, bodies: bodies)
    }

    var address: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    /// All that were told so far, each once.
    var spans: [ToldSpan] {
        var seen: Set<String> = []
        return bodies.all.withLock { $0 }
            .flatMap { $0["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.array ?? [] }
            .map(ToldSpan.init).filter { seen.insert($0.id).inserted }
    }

    func stop() async throws { try await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let bodies: Bodies
        private var body = ByteBuffer()

        init(bodies: Bodies) { self.bodies = bodies }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head: body.clear()
            case .body(var part): body.writeBuffer(&part)
            case .end:
                if let json = try? JSON.parse(body.readableBytesView) { bodies.all.withLock { $0.append(json) } }
                let headers: HTTPHeaders = ["Content-Length": "2", "Content-Type": "application/json"]
                let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "{}")))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

/// A span as a collector is told of it.
struct ToldSpan: Sendable {
    /// Of the request at the gateway, or of a try at an upstream.
    enum Kind: Int64 { case server = 2, client }

    let id: String
    let parentID: String?
    let kind: Kind?
    /// Texts of the values, by name.
    let attributes: [String: String]

    init(_ json: JSON) {
        id = json["spanId"]?.string ?? ""
        parentID = json["parentSpanId"]?.string
        kind = json["kind"]?.integer.flatMap(Kind.init)
        attributes = (json["attributes"]?.array ?? []).reduce(into: [:]) { all, attribute in
            let value = attribute["value"]?.object?.members.first?.value
            all[attribute["key"]?.string ?? ""] = value?.string ?? value?.text
        }
    }
}
