// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeProxyCore

/// An event loop of SwiftNIO.
struct NIOLoop: EngineLoop {
    let eventLoop: any EventLoop
    /// By which its endpoints are reached.
    let connector: NIOLoopBoundBox<UpstreamConnector>

    init(eventLoop: any EventLoop, upstreams options: UpstreamOptions = UpstreamOptions()) {
        self.eventLoop = eventLoop
        connector = NIOLoopBoundBox.makeBoxSendingValue(
            UpstreamConnector(eventLoop: eventLoop, options: options), eventLoop: eventLoop)
    }

    var isCurrent: Bool { eventLoop.inEventLoop }
    var now: UInt64 { NIODeadline.now().uptimeNanoseconds }

    func execute(_ body: @escaping @Sendable () -> Void) { eventLoop.execute(body) }

    func submit<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await eventLoop.submit(body).get()
    }

    func schedule(at deadline: UInt64, _ body: @escaping () -> Void) {
        let deadline = min(.uptimeNanoseconds(deadline), NIODeadline.distantFuture)
        eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { body() }
    }
}
