// SPDX-License-Identifier: Apache-2.0

// After a 101 both connections carry bytes of a protocol that the gateway does not know: it passes them on, each direction at
// the pace of its receiver, counts them, and ends a direction when its sender does.

extension ServerConnection {
    // MARK: - Switching

    /// The upstream has agreed to the protocol that the client may switch to. What the client has sent ahead goes on only now.
    ///
    /// - Parameter bytes: the 101 and what came behind it.
    func startTunnel(_ bytes: UnsafeRawBufferPointer, _ upgrades: GatewayUpgrades, token: [UInt8], on id: UpstreamID) {
        request.status = response.status
        request.upstreamStatus = response.status
        request.trace?.answered(response.status)
        request.upstreamDuration = gateway.now - request.sentUpstreamAt
        request.tryEndsAt = .max
        heldLength = 0
        state = .tunnel
        upstream = .tunnelling(id)
        sendHead(
            bytes, delivery: ResponseDelivery(response, clientMinorVersion: head.minorVersion, wantsKeepAlive: true),
            upgrade: token)
        act(.beginTunnel)
        tunnel = Tunnel(idleTimeout: upgrades.idleTimeout)
        countTunnel(requests: 1)
        expectTunnelTraffic()
    }

    // MARK: - Bytes

    func passToUpstream(_ bytes: UnsafeRawBufferPointer, origin: ByteRange?) {
        request.bytesIn += Int64(bytes.count)
        act(.sendToUpstream(origin.map { .received($0) } ?? .staged(toUpstream.append(bytes))))
        expectTunnelTraffic()
    }

    /// - Parameter offset: of the event's bytes, where those of the tunnel begin.
    func passToClient(_ bytes: UnsafeRawBufferPointer, from offset: Int, isEvent: Bool) {
        guard offset < bytes.count else { return }
        let range = ByteRange(offset, bytes.count)
        request.bytesOut += Int64(range.count)
        act(.sendToClient(isEvent ? .received(range) : .staged(toClient.append(bytes[range]))))
        expectTunnelTraffic()
    }

    /// Sets the clock for either side to say or take something. What the service says of a request's time ends with the 101.
    func expectTunnelTraffic() {
        guard let tunnel else { return }
        deadline = gateway.now.addingClamped(tunnel.idleTimeout)
    }

    // MARK: - Ends

    /// The client has ended what it sends, and goes on listening: what the upstream has to say still comes. To be reported
    /// after ``ExchangeAction/beginTunnel`` only.
    public func clientEnded() {
        beginEvent()
        if tunnel == nil { clientLost() } else { tunnelEnded(\.clientEnded, tell: .shutUpstreamOutput) }
        settle()
    }

    /// The upstream has ended what it sends, and goes on listening: what the client has to say still goes there. To be
    /// reported after ``ExchangeAction/beginTunnel`` only.
    public func upstreamEnded(_ id: UpstreamID) {
        beginEvent()
        if case .tunnelling(id) = upstream { tunnelEnded(\.upstreamEnded, tell: .shutClientOutput) }
        settle()
    }

    private func tunnelEnded(_ direction: WritableKeyPath<Tunnel, Bool>, tell other: ExchangeAction) {
        guard tunnel?[keyPath: direction] == false else { return }
        tunnel?[keyPath: direction] = true
        if tunnel?.isOver == true { return finishTunnel() }
        act(other)
        expectTunnelTraffic()
    }

    private func finishTunnel() {
        if let id = upstreamID {
            endTry()
            gateway.upstreams.removed(id)
            act(.endUpstream(id))
        }
        record()
        closeClient()
    }

    // MARK: - Counting

    /// Writes down what has passed since the last time: within the event in which it passed, so that a worker that is killed
    /// loses none of it, in the minute in which it passed. Where there is no room, later, and in any case at the end.
    func countTunnel(requests: Int64 = 0, isLast: Bool = false) {
        guard let tunnel else { return }
        let (bytesIn, bytesOut) = (request.bytesIn - tunnel.countedIn, request.bytesOut - tunnel.countedOut)
        guard requests > 0 || bytesIn + bytesOut > 0, requests > 0 || isLast || gateway.canRecord else {
            return
        }
        count(requests: requests, bytesIn: bytesIn, bytesOut: bytesOut, units: requests)
        self.tunnel?.countedIn = request.bytesIn
        self.tunnel?.countedOut = request.bytesOut
    }
}
