// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import TurnpikeTelemetry

/// `/healthz`, `/readyz` and `/metrics` on a port of their own, which is not the tenants'. Listens before anything else
/// starts and until everything else has ended.
struct AdminListener: Service {
    let address: ListenAddress
    let pages: AdminPages
    let logger: Logger
    /// Called with the port once the listener accepts connections.
    var onReady: @Sendable (Int) -> Void = { _ in }

    func run() async throws {
        let channel = try await bind()
        logger.info("Health and metrics are served.", metadata: [LogKey.listenAddress: "\(address)"])
        onReady(channel.localAddress?.port ?? address.port)
        try? await gracefulShutdown()
        try? await channel.close()
    }

    private func bind() async throws -> any Channel {
        let pages = pages
        return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(IdleStateHandler(allTimeout: .seconds(60)))
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(AdminHandler(pages: pages))
                }
            }
            .bind(host: address.host, port: address.port).get()
    }
}
