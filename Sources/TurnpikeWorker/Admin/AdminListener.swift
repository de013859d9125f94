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
        let channel: any Channel
        do { channel = try await bind() } catch {
            throw StartFailure(what: "health and metrics cannot be served on \(address)", cause: error)
        }
        let port = channel.localAddress?.port ?? address.port
        let bound = ListenAddress(host: address.host, port: port)
        logger.info("Health and metrics are served.", metadata: [LogKey.listenAddress: "\(bound)"])
        onReady(port)
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
