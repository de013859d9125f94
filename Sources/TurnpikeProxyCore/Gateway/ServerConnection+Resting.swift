// SPDX-License-Identifier: Apache-2.0

// Most clients are between two requests, and what it takes to serve one (two parsers, their tables of fields, what is held and
// what is on its way out, some 6 KiB) then lies idle. So a transport keeps a `ServerConnection` only from the first byte of a
// request until it rests again: ten thousand clients of whom a hundred ask for something need a hundred.

extension Gateway {
    /// What serves a client that is between two requests, for its next event and until it rests again.
    ///
    /// - Parameter deadline: when the client has waited for too long, ``GatewayLimits/idleTimeout`` after it has come, or as its
    ///   connection said before it rested.
    public func connection(
        for client: ClientAddress, over scheme: RequestForwarding.Scheme = .http, speaksHTTP2: Bool = false,
        until deadline: UInt64
    ) -> ServerConnection {
        let connection = resting.popLast() ?? ServerConnection(gateway: self, client: client, scheme: scheme)
        connection.origin = RequestOrigin(peer: client, over: scheme)
        connection.speaksHTTP2 = speaksHTTP2
        connection.deadline = deadline
        return connection
    }

    /// Takes back a connection that ``ServerConnection/rests``, to lend it to others. Nobody may use it any more.
    public func rest(_ connection: consuming ServerConnection) {
        guard resting.count < GatewayLimits.restingConnections else { return }
        connection.slim()
        resting.append(connection)
    }
}

extension ServerConnection {
    /// Between two requests, with nothing of either: all there is to know of the client is its address and ``deadline``.
    public var rests: Bool { isIdle && isClientWritable && readsClient && actions.isEmpty }

    /// Gives back memory that a rare request needed.
    fileprivate func slim() {
        slim(toClient)
        slim(toUpstream)
        slim(logged)
        if backlog.capacity > GatewayLimits.restingBytes { backlog = [] }
        if working.capacity > GatewayLimits.restingBytes { working = [] }
        if responseBacklog.capacity > GatewayLimits.restingBytes { responseBacklog = [] }
    }

    private func slim(_ stage: ByteStage) {
        stage.removeAll()
        stage.trim(above: GatewayLimits.restingBytes)
    }
}
