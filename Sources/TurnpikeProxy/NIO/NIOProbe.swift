// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeProxyCore

/// The channel of one question to an endpoint.
final class NIOProbe: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let run: ProbeRun
    private var context: ChannelHandlerContext?
    private var isClosed = false

    init(_ run: ProbeRun) { self.run = run }

    func connect(to address: EndpointAddress, by connector: UpstreamConnector) {
        run.whenClosed = { self.close() }
        connector.connect(
            to: address, at: address.numeric ?? [], isShared: false, isWanted: { !self.isClosed }
        ) {
            try $0.pipeline.syncOperations.addHandler(self)
        }
        .assumeIsolated().whenComplete { result in
            guard case .success(let channel) = result else { return self.run.connectFailed() }
            guard !self.isClosed else { return channel.close(promise: nil) }
            let request = self.run.connected()
            if !request.isEmpty { channel.writeAndFlush(ByteBuffer(bytes: request), promise: nil) }
        }
    }

    private func close() {
        isClosed = true
        context?.close(promise: nil)
    }

    // MARK: - Channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        if self.context === context { self.context = nil }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        unwrapInboundIn(data).withUnsafeReadableBytes { run.received($0) }
    }

    func channelInactive(context: ChannelHandlerContext) { run.closed() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

extension NIOLoop {
    func open(_ run: ProbeRun, to address: EndpointAddress) {
        NIOProbe(run).connect(to: address, by: connector.value)
    }
}
