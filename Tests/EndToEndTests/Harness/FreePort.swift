// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// A port that was free a moment ago, for scripts that must be told one.
func freePort() async throws -> Int {
    let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    let channel = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
    let port = channel.localAddress?.port ?? 0
    try await channel.close()
    return port
}
