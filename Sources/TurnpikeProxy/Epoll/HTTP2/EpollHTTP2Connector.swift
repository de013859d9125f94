// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// The connections of one loop to upstreams that speak HTTP/2, whose streams it shares out. Confined to the loop.
final class EpollHTTP2Connector {
    /// Has it.
    private unowned let loop: EpollLoop
    private var connections: [EndpointAddress: [EpollHTTP2Upstream]] = [:]

    init(loop: EpollLoop) { self.loop = loop }

    /// Asks for a stream of a connection that has room for it, or of a new one.
    ///
    /// - Parameters:
    ///   - addresses: where to connect, one after the other, in numbers.
    ///   - isShared: false for a connection of one's own.
    ///   - asker: told of the stream, perhaps before this returns.
    /// - Returns: the connection, which is to be told where nobody wants the stream any more.
    func ask(
        _ endpoint: EndpointAddress, at addresses: [String], isShared: Bool = true, for asker: any EpollStreamAsker
    ) -> EpollHTTP2Upstream {
        if isShared, let known = connections[endpoint]?.first(where: \.hasRoom) {
            known.ask(asker, idleTimeout: endpoint.idleTime)
            return known
        }
        let fresh = EpollHTTP2Upstream(endpoint, isShared: isShared, loop: loop) { [weak self] in
            self?.forget($0, to: endpoint)
        }
        if isShared { connections[endpoint, default: []].append(fresh) }
        fresh.ask(asker, idleTimeout: endpoint.idleTime)
        fresh.connect(at: addresses)
        return fresh
    }

    private func forget(_ connection: EpollHTTP2Upstream, to endpoint: EndpointAddress) {
        connections[endpoint]?.removeAll { $0 === connection }
        if connections[endpoint]?.isEmpty == true { connections[endpoint] = nil }
    }

    func shutDown() {
        for connection in connections.values.flatMap(\.self) { connection.close() }
    }
}

#endif
