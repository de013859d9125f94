// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHPACK
import NIOHTTP2
import TurnpikeProxyCore

/// One request to an upstream over HTTP/2, as the HTTP/1.1 connection that the handler behind this one takes it for.
final class HTTP2ClientStream: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// Told to the handler behind: the upstream has not begun with the request, so that it can be sent again elsewhere.
    struct Refusal {}

    private let upstream: HTTP2Upstream
    private let scheme: String
    private var reader: HTTP1RequestReader
    private var output = HTTP2Output()
    private var answersHead = false
    private var content: HTTP1ContentWriter?

    init(of upstream: HTTP2Upstream, scheme: String, limits: HeadLimits) {
        self.upstream = upstream
        self.scheme = scheme
        reader = HTTP1RequestReader(limits: limits)
    }

    // MARK: - The request

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let buffer = unwrapOutboundIn(data)
        do {
            try buffer.withUnsafeReadableBytes { try reader.read($0) { take($0, context) } }
            output.write(to: context, endsStream: false)
            promise?.succeed()
        } catch {
            promise?.fail(error)
            context.close(promise: nil)
        }
    }

    private func take(_ part: HTTP1RequestReader.Part, _ context: ChannelHandlerContext) {
        switch part {
        case .head(let head, let isLast):
            answersHead = head.method == "HEAD"
            var headers = HPACKHeaders()
            headers.reserveCapacity(head.fields.count + 4)
            headers.add(name: ":method", value: head.method)
            headers.add(name: ":scheme", value: scheme)
            headers.add(name: ":authority", value: head.authority)
            headers.add(name: ":path", value: head.target)
            headers.add(contentsOf: head.fields)
            output.write(headers, endsStream: isLast, to: context)
        case .content(let bytes): output.add(bytes, context)
        case .end(let trailers): output.end(trailers, to: context)
        }
    }

    // MARK: - The answer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            switch unwrapInboundIn(data) {
            case .headers(let headers): try take(headers, context)
            case .data(let data):
                guard let content, case .byteBuffer(let buffer) = data.data else { return }
                pass(content.frame(buffer, isLast: data.endStream, context.channel.allocator), context)
            default: break
            }
        } catch {
            context.write(wrapOutboundOut(.rstStream(.protocolError)), promise: nil)
            context.close(promise: nil)
        }
    }

    /// The stream was reset, or is one of those that a goodbye leaves out (RFC 9113 §6.8, §8.7).
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if content == nil, let closed = error as? NIOHTTP2Errors.StreamClosed,
            closed.errorCode == .refusedStream || upstream.leaves(out: closed.streamID)
        {
            context.fireUserInboundEventTriggered(Refusal())
        }
        context.fireErrorCaught(error)
    }

    private func take(_ headers: HTTP2Frame.FramePayload.Headers, _ context: ChannelHandlerContext) throws {
        upstream.answered()
        var bytes: [UInt8] = []
        if let content {
            bytes = try content.end(trailers: headers.headers.plain)
        } else {
            bytes.reserveCapacity(512)
            content = try HTTP1ResponseWriter.write(
                headers.headers.plain, endsStream: headers.endStream, answersHead: answersHead, to: &bytes)
        }
        pass(context.channel.allocator.buffer(bytes: bytes), context)
    }

    private func pass(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) {
        if buffer.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(buffer)) }
    }
}
