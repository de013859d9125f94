// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import TurnpikeModel

/// The connections that are open, so that those which do not end by themselves can be cut.
final class OpenConnections: Sendable {
    private struct Entry {
        var handler: NIOLoopBound<LingeringClose>
        /// The last operation that the client has asked for.
        var operation: String?
    }

    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    fileprivate func add(_ handler: LingeringClose, of channel: any Channel) {
        let entry = Entry(handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
        entries.withLock { $0[ObjectIdentifier(channel)] = entry }
    }

    fileprivate func remove(_ channel: any Channel) { entries.withLock { $0[ObjectIdentifier(channel)] = nil } }

    /// Notes what is asked for on a connection.
    func note(_ operation: String, on channel: any Channel) {
        entries.withLock { $0[ObjectIdentifier(channel)]?.operation = operation }
    }

    /// Closes all of them, whatever is under way.
    ///
    /// - Returns: what was asked for on each, as `GET /v1/export`.
    func cut() -> [String] {
        let entries = entries.withLock { Array($0.values) }
        for entry in entries { entry.handler.eventLoop.execute { entry.handler.value.cut() } }
        return entries.map { $0.operation ?? "nothing" }.sorted()
    }
}

/// Keeps a connection open until its client has taken what was written: closing it would throw away what still waits for a slow
/// reader, the end of a snapshot perhaps. Nearest to the socket, so that what waits is told rightly within TLS too.
///
/// Confined to its connection's event loop.
final class LingeringClose: ChannelDuplexHandler {
    typealias InboundIn = NIOAny
    typealias OutboundIn = NIOAny

    private let connections: OpenConnections
    /// How long a client may take for what waits once the connection is to be closed.
    private let patience: TimeAmount
    private var context: ChannelHandlerContext?
    /// Writes that the system has not taken yet.
    private var unsent = 0
    private var closing: EventLoopPromise<Void>?

    init(_ connections: OpenConnections, patience: Duration) {
        self.connections = connections
        self.patience = .nanoseconds(patience.inNanoseconds)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connections.add(self, of: context.channel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        connections.remove(context.channel)
        closing?.succeed()
        closing = nil
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let promise = promise ?? context.eventLoop.makePromise()
        unsent += 1
        promise.futureResult.assumeIsolated().whenComplete { _ in self.sent() }
        context.write(data, promise: promise)
    }

    private func sent() {
        unsent -= 1
        if unsent == 0, closing != nil { cut() }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, unsent > 0, context.channel.isActive else {
            return context.close(mode: mode, promise: promise)
        }
        let promise = promise ?? context.eventLoop.makePromise()
        if let closing { return closing.futureResult.cascade(to: promise) }
        closing = promise
        context.eventLoop.assumeIsolated().scheduleTask(in: patience) { self.cut() }
    }

    /// Closes the connection at once.
    func cut() {
        let promise = closing
        closing = nil
        context?.close(promise: promise)
    }
}
