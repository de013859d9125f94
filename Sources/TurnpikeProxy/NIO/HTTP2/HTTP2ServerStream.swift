// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHPACK
import NIOHTTP2
import TurnpikeProxyCore

/// One request of a client over HTTP/2, as the HTTP/1.1 that the handler behind this one reads and writes.
///
/// That handler closes its channel as it would a connection: its output to end the answer, and all of it to break off. Here
/// these become END_STREAM and RST_STREAM (RFC 9113 §8.1).
final class HTTP2ServerStream: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let limits: HeadLimits
    /// Of its connection.
    private let faults: HTTP2Faults
    private let idleness: HTTP2Idleness
    private var content: HTTP1ContentWriter?
    private var contentBytes: UInt64 = 0
    /// The request's head, where it waits for what comes next.
    private var waitingHead: ByteBuffer?
    private var isRequestWhole = false
    /// Nothing more is read of it.
    private var isMalformed = false
    private var reader: HTTP1ResponseReader?
    private var output = HTTP2Output()
    /// By the client, or here.
    private var wasReset = false

    init(limits: HeadLimits, faults: HTTP2Faults, idleness: HTTP2Idleness) {
        self.limits = limits
        self.faults = faults
        self.idleness = idleness
    }

    func handlerAdded(context: ChannelHandlerContext) { idleness.streamBegan() }

    func handlerRemoved(context: ChannelHandlerContext) { idleness.streamEnded() }

    // MARK: - The request

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isMalformed else { return }
        do {
            switch unwrapInboundIn(data) {
            case .headers(let headers):
                if let content {
                    try end(content, trailers: headers.headers, context)
                } else {
                    try begin(headers, context)
                }
            case .data(let data):
                if let content, case .byteBuffer(let buffer) = data.data {
                    try pass(content, buffer, isLast: data.endStream, context)
                }
            case .rstStream: wasReset = true
            default: break
            }
        } catch {
            isMalformed = true
            if let fault = error as? HTTP2Fault { tell(fault, context) }
            // Who serves the request has told the client, where that was possible.
            if output.ended == nil { reset(.protocolError, context) }
            faults.streamWasted()
        }
    }

    /// SwiftNIO itself resets a stream that goes on as it must not; why, it tells the connection only.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if (error as? NIOHTTP2Errors.StreamClosed)?.errorCode == .protocolError, content != nil, !wasReset {
            tell(.malformedRest, context)
        }
        context.fireErrorCaught(error)
    }

    private func tell(_ fault: HTTP2Fault, _ context: ChannelHandlerContext) {
        context.fireUserInboundEventTriggered(fault)
    }

    private func begin(_ headers: HTTP2Frame.FramePayload.Headers, _ context: ChannelHandlerContext) throws {
        isRequestWhole = headers.endStream
        reader = HTTP1ResponseReader(answersHead: headers.headers.first(name: ":method") == "HEAD", limits: limits)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        content = try HTTP1RequestWriter.write(headers.headers.plain, endsStream: headers.endStream, to: &bytes)
        let head = context.channel.allocator.buffer(bytes: bytes)
        if content?.headWaits == true { waitingHead = head } else { context.fireChannelRead(wrapInboundOut(head)) }
    }

    private func passWaitingHead(_ context: ChannelHandlerContext) {
        guard let head = waitingHead else { return }
        waitingHead = nil
        context.fireChannelRead(wrapInboundOut(head))
    }

    private func pass(
        _ content: HTTP1ContentWriter, _ buffer: ByteBuffer, isLast: Bool, _ context: ChannelHandlerContext
    ) throws(HTTP2Fault) {
        isRequestWhole = isLast
        contentBytes += UInt64(buffer.readableBytes)
        // What was announced has to come, and nothing else (RFC 9113 §8.1.1).
        if let length = content.length, isLast ? contentBytes != length : contentBytes > length { throw .wrongLength }
        // Content without bytes that does not end is neither what was announced nor against it.
        if isLast || buffer.readableBytes > 0 { passWaitingHead(context) }
        let framed = content.frame(buffer, isLast: isLast, context.channel.allocator)
        if framed.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(framed)) }
    }

    private func end(_ content: HTTP1ContentWriter, trailers: HPACKHeaders, _ context: ChannelHandlerContext) throws {
        isRequestWhole = true
        let bytes = try content.end(trailers: trailers.plain)
        if let length = content.length, contentBytes != length { throw HTTP2Fault.wrongLength }
        passWaitingHead(context)
        if !bytes.isEmpty { context.fireChannelRead(wrapInboundOut(context.channel.allocator.buffer(bytes: bytes))) }
    }

    // MARK: - The answer

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let buffer = unwrapOutboundIn(data)
        do {
            try buffer.withUnsafeReadableBytes { try reader?.read($0) { take($0, context) } }
            output.write(to: context, endsStream: false)
            promise?.succeed()
        } catch {
            promise?.fail(error)
            reset(.internalError, context)
        }
    }

    private func take(_ part: HTTP1ResponseReader.Part, _ context: ChannelHandlerContext) {
        switch part {
        case .head(let head, let isLast):
            let fields = head.fields
            var headers = HPACKHeaders()
            headers.reserveCapacity(fields.count + 1)
            headers.add(name: ":status", value: String(head.status))
            headers.add(contentsOf: fields)
            output.write(headers, endsStream: isLast, to: context)
        case .content(let bytes): output.add(bytes, context)
        case .end(let trailers): output.end(trailers, to: context)
        }
    }

    // MARK: - Ends

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .input: context.close(mode: mode, promise: promise)
        case .output: endOutput(context, promise)
        case .all:
            if output.ended == nil { reset(.internalError, context) }
            context.close(promise: promise)
        }
    }

    /// Ends the answer where it may end, and tells when all of it is on its way. What the client has still to say of its
    /// request it need not say then (RFC 9113 §8.1).
    private func endOutput(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        if output.ended == nil {
            guard reader?.mayEndNow == true else {
                reset(.internalError, context)
                promise?.succeed()
                return
            }
            output.write(to: context, endsStream: true)
        }
        context.flush()
        output.ended?.assumeIsolated().whenComplete { _ in
            if !self.isRequestWhole { self.reset(.noError, context) }
        }
        output.ended?.cascade(to: promise)
    }

    private func reset(_ code: HTTP2ErrorCode, _ context: ChannelHandlerContext) {
        isRequestWhole = true
        wasReset = true
        output.abandon(context)
        context.writeAndFlush(wrapOutboundOut(.rstStream(code)), promise: nil)
    }
}
