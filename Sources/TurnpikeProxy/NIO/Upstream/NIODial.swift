// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// Connects to the first of some addresses that answers. Confined to the event loop.
struct NIODial {
    /// How long an address may be silent before it gives way to the next, where there is one.
    private static let patience = TimeAmount.seconds(1)
    /// For the last one: who waits has a deadline of its own.
    private static let lastPatience = TimeAmount.seconds(120)

    private let addresses: ArraySlice<String>
    private let port: Int
    private let eventLoop: any EventLoop
    private let isWanted: () -> Bool
    private let initialise: (any Channel) throws -> Void

    /// - Parameters:
    ///   - addresses: in numbers.
    ///   - isWanted: whether there is any use in trying the next.
    ///   - initialise: puts the first handlers into a channel, of each address in turn.
    init(
        _ addresses: [String], port: Int, on eventLoop: any EventLoop, isWanted: @escaping () -> Bool,
        initialise: @escaping (any Channel) throws -> Void
    ) {
        self.init(addresses[...], port, eventLoop, isWanted, initialise)
    }

    private init(
        _ addresses: ArraySlice<String>, _ port: Int, _ eventLoop: any EventLoop, _ isWanted: @escaping () -> Bool,
        _ initialise: @escaping (any Channel) throws -> Void
    ) {
        self.addresses = addresses
        self.port = port
        self.eventLoop = eventLoop
        self.isWanted = isWanted
        self.initialise = initialise
    }

    /// Fails as the last of the addresses did.
    func connect() -> EventLoopFuture<any Channel> {
        guard let first = addresses.first, isWanted() else { return eventLoop.makeFailedFuture(NoAddress()) }
        let rest = NIODial(addresses.dropFirst(), port, eventLoop, isWanted, initialise)
        guard let address = try? SocketAddress(ipAddress: first, port: port) else { return rest.connect() }
        let bound = NIOLoopBound((initialise: initialise, rest: rest), eventLoop: eventLoop)
        return ClientBootstrap(group: eventLoop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            .connectTimeout(rest.addresses.isEmpty ? Self.lastPatience : Self.patience)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.initialise(channel) }
            }
            .connect(to: address)
            .flatMapError { error in
                let rest = bound.value.rest
                return rest.addresses.isEmpty ? rest.eventLoop.makeFailedFuture(error) : rest.connect()
            }
    }
}
