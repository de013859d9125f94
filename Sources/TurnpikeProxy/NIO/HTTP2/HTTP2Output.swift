// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHPACK
import NIOHTTP2
import TurnpikeProxyCore

/// Gathers what one stream sends, so that END_STREAM stands on the last frame that says something.
struct HTTP2Output {
    private var pending: ByteBuffer?
    /// Once END_STREAM was written: when it is with the network, behind all that flow control held back.
    private(set) var ended: EventLoopFuture<Void>?

    mutating func add(_ bytes: UnsafeRawBufferPointer, _ context: ChannelHandlerContext) {
        if pending == nil { pending = context.channel.allocator.buffer(capacity: bytes.count) }
        pending?.writeBytes(bytes)
    }

    /// Writes what was gathered; with `endsStream` a frame in any case.
    mutating func write(to context: ChannelHandlerContext, endsStream: Bool) {
        guard ended == nil, pending != nil || endsStream else { return }
        let buffer = pending ?? ByteBuffer()
        pending = nil
        write(.data(.init(data: .byteBuffer(buffer), endStream: endsStream)), endsStream: endsStream, to: context)
    }

    mutating func write(_ headers: HPACKHeaders, endsStream: Bool, to context: ChannelHandlerContext) {
        guard ended == nil else { return }
        write(.headers(.init(headers: headers, endStream: endsStream)), endsStream: endsStream, to: context)
    }

    /// Writes what was gathered, and behind it the end, with the trailers where there are any.
    mutating func end(_ trailers: [(name: String, value: String)], to context: ChannelHandlerContext) {
        guard !trailers.isEmpty else { return write(to: context, endsStream: true) }
        write(to: context, endsStream: false)
        write(HPACKHeaders(trailers), endsStream: true, to: context)
    }

    /// Writes no more: the stream is reset.
    mutating func abandon(_ context: ChannelHandlerContext) {
        pending = nil
        if ended == nil { ended = context.eventLoop.makeSucceededVoidFuture() }
    }

    private mutating func write(
        _ frame: HTTP2Frame.FramePayload, endsStream: Bool, to context: ChannelHandlerContext
    ) {
        let sent = endsStream ? context.eventLoop.makePromise(of: Void.self) : nil
        ended = sent?.futureResult
        context.write(NIOAny(frame), promise: sent)
    }
}

extension HPACKHeaders {
    init(_ fields: [(name: String, value: String)]) {
        self.init()
        reserveCapacity(fields.count)
        add(contentsOf: fields)
    }

    /// Names and values, without what HPACK has to say of them.
    var plain: some Sequence<(name: String, value: String)> { lazy.map { (name: $0.name, value: $0.value) } }
}

extension HTTP1ContentWriter {
    /// A piece of content as HTTP/1.1 has it, in one buffer: as it came where it needs no frame.
    func frame(_ buffer: ByteBuffer, isLast: Bool, _ allocator: ByteBufferAllocator) -> ByteBuffer {
        let prefix = buffer.readableBytes > 0 ? prefix(buffer.readableBytes) : []
        guard !prefix.isEmpty || isLast else { return buffer }
        var framed = allocator.buffer(capacity: buffer.readableBytes + 32)
        framed.writeBytes(prefix)
        framed.writeImmutableBuffer(buffer)
        if buffer.readableBytes > 0 { framed.writeBytes(suffix) }
        if isLast { framed.writeBytes(end) }
        return framed
    }
}
