// SPDX-License-Identifier: Apache-2.0

extension ServerConnection {
    // MARK: - Finding one

    /// Tries endpoints until one has a connection to offer.
    func chooseUpstream(after failure: Refusal = .noHealthyUpstream) {
        var lastFailure = failure
        while request.attempts < gateway.limits.upstreamAttempts,
            let place = gateway.nextEndpoint(context: &request)
        {
            if connect(toEndpoint: place, mayReuse: true) { return }
            lastFailure = .overloaded
        }
        refuse(lastFailure)
    }

    /// Asks the endpoint of the try before for another connection, a new one.
    func reconnect(after failure: Refusal = .noHealthyUpstream) {
        let place = request.place
        endTry()
        guard let place, request.attempts < gateway.limits.upstreamAttempts else { return refuse(failure) }
        if !connect(toEndpoint: place, mayReuse: false) { refuse(.overloaded) }
    }

    /// Begins a try.
    ///
    /// - Returns: false where the endpoint has as many connections as it may.
    private func connect(toEndpoint place: Int, mayReuse: Bool) -> Bool {
        guard let service = request.service else { return false }
        let endpoint = service.endpoints[place]
        request.attempts += 1
        request.tried.insert(place)
        switch gateway.upstreams.checkOut(endpoint.number, mayReuse: mayReuse) {
        case .reuse(let id):
            beginTry(at: place)
            act(.attach(id))
            sendRequest(to: id, isReused: true)
        case .connect(let id):
            beginTry(at: place)
            upstream = .connecting(id)
            deadline = gateway.now + service.cluster.connectTimeout
            act(.connect(id, endpoint: endpoint.number))
        case .full: return false
        }
        return true
    }

    private func beginTry(at place: Int) {
        request.place = place
        request.service?.endpoints[place].activeRequests += 1
    }

    /// Lets go of the upstream, whatever comes of the request: from here on its connection is no business of this one. May be
    /// said more than once.
    func endTry() {
        upstream = .none
        guard let place = request.place else { return }
        request.place = nil
        request.service?.endpoints[place].activeRequests -= 1
    }

    func connectFailed(_ id: UpstreamID, _ failure: UpstreamFailure) {
        gateway.upstreams.connectFailed(id, now: gateway.now)
        report(failure)
        endTry()
        chooseUpstream(after: failure == .connectTimeout ? .upstreamTimeout : .noHealthyUpstream)
    }

    func sendRequest(to id: UpstreamID, isReused: Bool) {
        upstream = .awaitingHead(id, isReused: isReused)
        isUpstreamWritable = true
        responseParser.reset()
        responseBacklog.removeAll(keepingCapacity: true)
        request.sentUpstreamAt = gateway.now
        act(.sendToUpstream(.staged(ByteRange(0, forwardedHeadLength))))
        if head.expectsContinue, !requestBody.isComplete, backlog.isEmpty, !sentContent { invite() }
        expectProgress()
    }

    /// Tells a client that asked first to send its content (RFC 9110 §10.1.1). The upstream was not asked, and need not be:
    /// whatever it has to say, it may say at any time.
    private func invite() {
        let range = toClient.write(atMost: 32) { $0.append("HTTP/1.1 100 Continue\r\n\r\n") }
        request.bytesOut += Int64(range.count)
        act(.sendToClient(.staged(range)))
    }

    /// Tells the observer of a failure, and counts it against the endpoint.
    func report(_ failure: UpstreamFailure) {
        guard let route = request.route, let cluster = request.cluster else { return }
        gateway.observer?.upstreamFailed(failure, route: route, service: cluster.name)
        judge(.gatewayError)
    }

    /// Counts what the try has come to for or against its endpoint.
    func judge(_ outcome: TryOutcome) {
        guard let service = request.service, let place = request.place,
            service.note(outcome, at: place, now: gateway.now), let route = request.route
        else { return }
        gateway.observer?.endpointEjected(route: route, service: service.cluster.name)
    }

    // MARK: - Losing one

    /// The upstream has closed, or its connection failed.
    func upstreamLost(_ id: UpstreamID) {
        gateway.upstreams.removed(id)
        let lost = upstream
        upstream = .none
        switch lost {
        case .none: break
        case .connecting:
            endTry()
            chooseUpstream()
        case .awaitingHead(_, let isReused):
            let wasSilent = responseBacklog.isEmpty && request.interimAnswers == 0
            if isReused, wasSilent, maySendAgain { return reconnect(after: .upstreamFailed) }
            report(.closed)
            refuse(.upstreamFailed)
        case .responding:
            if responseBody.mayEndNow { return finish(keepsUpstream: false) }
            report(.closed)
            abort("The upstream closed before its answer was whole.")
        }
    }

    /// An idle connection may be closed by the upstream at the moment it is used. What was sent on it is sent again where the
    /// method allows that (RFC 9110 §9.2.2) and no content has gone with it.
    private var maySendAgain: Bool {
        switch head.method {
        case .get, .head, .put, .delete, .options, .trace: !sentContent
        case .post, .patch, .connect, .other: false
        }
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
