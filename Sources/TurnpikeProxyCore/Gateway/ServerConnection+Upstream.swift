// SPDX-License-Identifier: Apache-2.0

extension ServerConnection {
    // MARK: - Finding one

    /// The request has passed all phases and is the service's from here on.
    func beginExchange() {
        if let answer = request.route?.answer { return give(answer) }
        state = .exchange
        // None could be used when the head was read, and the request may have waited since.
        if request.service == nil, let route = request.route { gateway.chooseService(for: route, context: &request) }
        if let service = request.service {
            guard service.load.activeRequests < service.cluster.loadLimits.requests else {
                return refuse(.upstreamOverloaded("requests in flight"))
            }
            request.count(at: service.load)
            request.giveUpAt = request.startedAt.addingClamped(service.cluster.requestTimeout)
            if let rule = service.cluster.retryRule {
                service.load.retryBudget.deposit(rule.budget)
                request.holdsContent =
                    head.hasBody && rule.repeatsRequests && rule.methods.contains(MethodSet(head.method))
            }
        }
        startMirroring()
        startTry(after: .noHealthyUpstream)
    }

    /// Tries endpoints until one has a connection to offer.
    ///
    /// - Parameter failure: what the client gets where no endpoint can be used.
    func startTry(after failure: @autoclosure () -> Refusal) {
        var latest: Refusal?
        for _ in 0..<gateway.limits.upstreamAttempts {
            guard let place = gateway.nextEndpoint(for: MethodSet(head.method), context: &request) else { break }
            // A connection for a tunnel is not given back, so it does not take one from those that are.
            guard let refusal = connect(toEndpoint: place, mayReuse: request.upgrade == nil) else { return }
            latest = refusal
        }
        refuse(latest ?? failure())
    }

    /// Asks the endpoint of the try before for another connection, a new one.
    private func reconnect(after failure: @autoclosure () -> Refusal) {
        let (place, isRetrying) = (request.place, request.isRetrying)
        request.trace?.failed("stale")
        endTry()
        guard let place else { return refuse(failure()) }
        request.setRetrying(isRetrying)
        if let refusal = connect(toEndpoint: place, mayReuse: false) { refuse(refusal) }
    }

    /// Begins a try.
    ///
    /// - Returns: why there is none, where there are as many connections as there may be.
    private func connect(toEndpoint place: Int, mayReuse: Bool) -> Refusal? {
        guard let service = request.service else { return .noHealthyUpstream }
        let endpoint = service.endpoints[place].number
        request.tried.insert(place)
        let bound = service.boundOfConnections(in: &gateway.upstreams)
        switch gateway.upstreams.checkOut(
            endpoint, idleTime: service.cluster.idleTimeout, mayReuse: mayReuse, mayConnect: bound == nil,
            now: gateway.now)
        {
        case .reuse(let id):
            beginTry(at: place, of: service, isReused: true)
            // The connection may turn out to be closed, and what came with the head must not be lost with it.
            if head.hasBody, !sentContent { request.holdsContent = true }
            act(.attach(id))
            sendRequest(to: id, isReused: true)
        case .connect(let id):
            beginTry(at: place, of: service, isReused: false)
            upstream = .connecting(id)
            request.setPending(true)
            // Over HTTP/2, an upstream may say that it has not begun with it.
            if head.hasBody, !sentContent, gateway.upstreams.speaksHTTP2(endpoint) {
                request.holdsContent = true
            }
            expire(in: service.cluster.connectTimeout)
            act(.connect(id, endpoint: endpoint))
        case .stale:
            for id in gateway.upstreams.takeIdle(of: endpoint) { act(.closeUpstream(id)) }
            return connect(toEndpoint: place, mayReuse: mayReuse)
        case .full:
            // All that there may be are open, and some of them may wait at other endpoints.
            if mayReuse || request.upgrade != nil,
                let other = service.placeWithIdle(in: &gateway.upstreams, now: gateway.now), other != place || !mayReuse
            {
                return connect(toEndpoint: other, mayReuse: true)
            }
            return .upstreamOverloaded(bound ?? "connections")
        }
        return nil
    }

    private func beginTry(at place: Int, of service: ServiceBalancer, isReused: Bool) {
        request.attempts += 1
        request.place = place
        request.lastPlace = place
        service.endpoints[place].activeRequests += 1
        request.tryEndsAt = gateway.now.addingClamped(service.cluster.retryRule?.perTryTimeout ?? .max)
        traceTry(at: place, of: service, isReused: isReused)
    }

    /// Lets go of the upstream, whatever comes of the request: from here on its connection is no business of this one. May be
    /// said more than once.
    func endTry() {
        upstream = .none
        request.trace?.endTry(at: gateway.now)
        request.tryEndsAt = .max
        request.setPending(false)
        request.setRetrying(false)
        guard let place = request.place else { return }
        request.place = nil
        request.service?.endpoints[place].activeRequests -= 1
    }

    /// Sets the clock for something that may take so long, within what the try and the request may.
    func expire(in nanoseconds: UInt64) {
        deadline = min(gateway.now.addingClamped(nanoseconds), request.tryEndsAt, request.giveUpAt)
    }

    // MARK: - Sending

    func sendRequest(to id: UpstreamID, isReused: Bool) {
        upstream = .awaitingHead(id, isReused: isReused)
        request.setPending(false)
        request.wasSentBefore = request.wasSent
        request.wasSent = true
        isUpstreamWritable = true
        readsUpstream = true
        pace.restart()
        responseParser.reset()
        if !responseBacklog.isEmpty { responseBacklog.removeAll(keepingCapacity: true) }
        request.sentUpstreamAt = gateway.now
        traceSending()
        act(.sendToUpstream(.staged(ByteRange(0, heldLength))))
        if head.expectsContinue, !requestBody.isComplete, backlog.isEmpty, !sentContent { invite() }
        expectProgress()
    }

    /// Tells a client that asked first to send its content (RFC 9110 §10.1.1), once. The upstream was not asked, and need not
    /// be: whatever it has to say, it may say at any time.
    private func invite() {
        guard !request.isInvited else { return }
        request.isInvited = true
        let range = toClient.write(atMost: 32) { $0.append("HTTP/1.1 100 Continue\r\n\r\n") }
        request.bytesOut += Int64(range.count)
        act(.sendToClient(.staged(range)))
    }

    // MARK: - Losing one

    func connectFailed(_ id: UpstreamID, _ failure: UpstreamFailure) {
        gateway.upstreams.connectFailed(id, now: gateway.now)
        upstream = .none
        tryFailed(failure)
    }

    /// A connection put away turned out to be closed, before anything was sent on it.
    func attachFailed() {
        upstream = .none
        request.wasSent = request.wasSentBefore
        // Content of the event that chose the connection went to it, and is not there to be sent again.
        guard isRepeatable else { return refuse(.upstreamFailed) }
        reconnect(after: .noHealthyUpstream)
    }

    /// The upstream has closed, or its connection failed.
    ///
    /// - Parameter isUntouched: it has not begun with the request, whose repetition is then safe whatever the method.
    func upstreamLost(_ id: UpstreamID, inOrder: Bool, isUntouched: Bool = false) {
        gateway.upstreams.removed(id)
        let lost = upstream
        upstream = .none
        switch lost {
        case .none, .pausing: break
        case .connecting: tryFailed(.connect)
        case .awaitingHead(_, let isReused):
            if isUntouched || isReused && isIdempotent, responseBacklog.isEmpty, isRepeatable, !request.wasStale,
                request.upgrade == nil
            {
                request.wasStale = true
                return reconnect(after: .upstreamFailed)
            }
            tryFailed(.closed)
        case .responding:
            if inOrder, responseBody.mayEndNow { return finish(keepsUpstream: false) }
            report(.closed)
            abort("The upstream closed before its answer was whole.")
        case .tunnelling: abort("The upstream's connection failed within the tunnel.")
        }
    }

    /// An idle connection may be closed by the upstream at the moment it is used. What was sent on it is then sent again, where
    /// the method allows that (RFC 9110 §9.2.2), once a request and whatever the service says of retries.
    private var isIdempotent: Bool { MethodSet.idempotent.contains(MethodSet(head.method)) }

    /// Puts a connection away for the service's next request.
    ///
    /// - Returns: false where it should be closed instead.
    func giveBack(_ id: UpstreamID) -> Bool {
        guard let cluster = request.cluster else { return false }
        return gateway.upstreams.giveBack(id, idleTime: cluster.idleTimeout, now: gateway.now)
    }

    /// Closes the connection in whatever state it is.
    func dropUpstream() {
        let id = upstreamID
        endTry()
        guard let id else { return }
        gateway.upstreams.removed(id)
        act(.closeUpstream(id))
    }
}

extension UInt64 {
    /// The sum, or the largest number where that is less: a time that never comes.
    func addingClamped(_ other: UInt64) -> UInt64 {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? .max : sum
    }
}
