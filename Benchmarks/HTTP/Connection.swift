// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// One answer, with its body as far as it was asked for.
struct Answer: Sendable {
    var status = 0
    var body = ByteBuffer()
}

/// One kept-alive connection to a program, with one request at a time on it.
///
/// `@unchecked Sendable`: all state but `channel` is touched on the channel's event loop only. ``exchange(_:keepsBody:)``
/// goes there by itself, all else must be called there.
final class Connection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias Done = (Result<Answer, any Error>) -> Void

    struct Closed: Error, CustomStringConvertible {
        var description: String { "The connection was closed." }
    }

    private struct Waiting {
        var keepsBody: Bool
        var onPiece: ((ByteBuffer) -> Void)?
        var done: Done
        var answer = Answer()
    }

    private(set) var channel: any Channel
    private var parser = AnswerParser()
    private var unread = ByteBuffer()
    private var waiting: Waiting?

    private init(channel: any Channel) { self.channel = channel }

    static func open(port: Int, on loop: any EventLoop) async throws -> Connection {
        try await ClientBootstrap(group: loop)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .connectTimeout(.seconds(10))
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = Connection(channel: channel)
                    try channel.pipeline.syncOperations.addHandler(connection)
                    return connection
                }
            }
    }

    var loop: any EventLoop { channel.eventLoop }

    /// Sends a request and gives its whole answer.
    func exchange(_ request: ByteBuffer, keepsBody: Bool = true) async throws -> Answer {
        try await withCheckedThrowingContinuation { caller in
            loop.execute { self.send(request, keepsBody: keepsBody) { caller.resume(with: $0) } }
        }
    }

    /// - Parameters:
    ///   - onPiece: gets the answer's body as it comes.
    ///   - done: called once, with the answer or the reason for which there is none.
    func send(
        _ request: ByteBuffer, keepsBody: Bool = true, onPiece: ((ByteBuffer) -> Void)? = nil, done: @escaping Done
    ) {
        guard channel.isActive else { return done(.failure(Closed())) }
        waiting = Waiting(keepsBody: keepsBody, onPiece: onPiece, done: done)
        channel.writeAndFlush(request, promise: nil)
    }

    func close() { channel.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if unread.readableBytes == 0 { swap(&unread, &bytes) } else { unread.writeBuffer(&bytes) }
        do {
            while let event = try parser.next(&unread) { take(event) }
        } catch {
            fail(error)
        }
        if unread.readableBytes == 0 { unread = ByteBuffer() }
    }

    func channelInactive(context: ChannelHandlerContext) { fail(Closed()) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(error) }

    private func take(_ event: AnswerParser.Event) {
        switch event {
        case .head(let status): waiting?.answer.status = status
        case .body(var piece):
            waiting?.onPiece?(piece)
            if waiting?.keepsBody == true { waiting?.answer.body.writeBuffer(&piece) }
        case .end:
            guard let answered = waiting else { return }
            waiting = nil
            answered.done(.success(answered.answer))
        }
    }

    private func fail(_ error: any Error) {
        channel.close(promise: nil)
        guard let failed = waiting else { return }
        waiting = nil
        failed.done(.failure(error))
    }
}
