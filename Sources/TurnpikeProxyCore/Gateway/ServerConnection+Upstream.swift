// SPDX-License-Identifier: Apache-2.0

extension ServerConnection {
    // MARK: - Finding one

    /// Tries endpoints in turn until one has a connection to offer.
    func chooseUpstream(mayReuse: Bool, after failure: Refusal = .noHealthyUpstream) {
        guard let route = request.route else { return }
        var lastFailure = failure
        while request.attempts < gateway.limits.upstreamAttempts,
            let choice = gateway.balancers.next(
                for: route, preferring: request.stickyBackend, in: &gateway.upstreams, now: gateway.now)
        {
            request.attempts += 1
            request.cluster = choice.cluster
            switch gateway.upstreams.checkOut(choice.endpoint, mayReuse: mayReuse) {
            case .reuse(let id):
                act(.attach(id))
                return sendRequest(to: id, isReused: true)
            case .connect(let id):
                upstream = .connecting(id)
                deadline = gateway.now + choice.cluster.connectTimeout
                return act(.connect(id, endpoint: choice.endpoint))
            case .full: lastFailure = .overloaded
            }
        }
        refuse(lastFailure)
    }

    func connectFailed(_ id: UpstreamID, _ failure: UpstreamFailure) {
        gateway.upstreams.connectFailed(id, now: gateway.now)
        upstream = .none
        report(failure)
        chooseUpstream(mayReuse: true, after: failure == .connectTimeout ? .upstreamTimeout : .noHealthyUpstream)
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

    func report(_ failure: UpstreamFailure) {
        guard let route = request.route, let cluster = request.cluster else { return }
        gateway.observer?.upstreamFailed(failure, route: route, service: cluster.name)
    }

    // MARK: - Losing one

    /// The upstream has closed, or its connection failed.
    func upstreamLost(_ id: UpstreamID) {
        gateway.upstreams.removed(id)
        let lost = upstream
        upstream = .none
        switch lost {
        case .none: break
        case .connecting: chooseUpstream(mayReuse: true)
        case .awaitingHead(_, let isReused):
            let wasSilent = responseBacklog.isEmpty && request.interimAnswers == 0
            if isReused, wasSilent, maySendAgain { return chooseUpstream(mayReuse: false, after: .upstreamFailed) }
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
        guard let id = upstreamID else { return }
        upstream = .none
        gateway.upstreams.removed(id)
        act(.closeUpstream(id))
    }
}
