// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension ServerConnection {
    // MARK: - Answers of the gateway's own

    /// Ends the request with a problem, and keeps the connection where what follows can still be understood.
    func refuse(_ refusal: Refusal) {
        let debug = debugReport(refusal: refusal.code)
        dropUpstream()
        let keepsConnection = mayKeepConnection && !refusal.closesConnection
        request.status = refusal.code.status
        request.refusal = refusal.code
        if request.detail == nil { request.detail = refusal.detail }

        var problem = ProblemResponse(
            code: refusal.code, detail: refusal.detail, requestID: request.id, keepAlive: keepsConnection,
            clientMinorVersion: head.minorVersion, answersHead: head.method == .head
        )
        problem.retryAfterSeconds = refusal.retryAfterSeconds
        problem.rateLimit = refusal.rateLimit
        problem.wwwAuthenticate = refusal.wwwAuthenticate ? #"Bearer realm="turnpike""# : nil
        problem.allow = refusal.allow
        problem.date = gateway.date
        problem.debug = debug
        let range = toClient.write(atMost: problem.sizeBound) { problem.write(to: &$0) }
        end(withAnswer: range, keepsConnection: keepsConnection)
    }

    /// Ends the request with the answer of its route.
    func give(_ answer: GatewayAnswer) {
        request.status = answer.status
        let keepsConnection = mayKeepConnection
        let circumstances = GatewayAnswer.Circumstances(
            requestID: request.id, keepAlive: keepsConnection, clientMinorVersion: head.minorVersion,
            answersHead: head.method == .head, location: toUpstream.bytes[ByteRange(0, forwardedHeadLength)],
            date: gateway.date, edits: request.route?.responseEdits, debug: debugReport()
        )
        let range = toClient.write(atMost: answer.sizeBound(circumstances)) { answer.write(circumstances, to: &$0) }
        end(withAnswer: range, keepsConnection: keepsConnection)
    }

    /// Whether what follows an answer of the gateway's own can be understood: the content is read, or soon will be.
    private var mayKeepConnection: Bool {
        head.keepAlive && !gateway.isDraining && (requestBody.isComplete || mayDiscardContent)
    }

    private func end(withAnswer range: ByteRange, keepsConnection: Bool) {
        request.bytesOut += Int64(range.count)
        act(.sendToClient(.staged(range)))
        record()

        if !keepsConnection {
            startLingering()
        } else if !requestBody.isComplete {
            state = .discarding
            deadline = gateway.now + gateway.limits.bodyTimeout
        } else {
            becomeIdle()
        }
    }

    /// Short content of known length, which the client sends anyhow: reading it costs less than a new connection.
    private var mayDiscardContent: Bool {
        guard case .length(let length) = head.framing else { return false }
        return length <= GatewayLimits.discardedBodyBytes && !head.expectsContinue
    }

    // MARK: - Ends

    /// The answer is with the client, whole.
    func finish(keepsUpstream: Bool) {
        if let id = upstreamID {
            // One that has not got the whole request cannot take another.
            if keepsUpstream, requestBody.isComplete, giveBack(id) {
                act(.detach(id))
            } else {
                dropUpstream()
            }
        }
        endTry()
        record()
        if keepsClient, !gateway.isDraining {
            becomeIdle()
        } else if requestBody.isComplete, backlog.isEmpty {
            closeClient()
        } else {
            startLingering()
        }
    }

    /// The answer cannot be finished: the client must not take what it has for all of it.
    func abort(_ detail: String) {
        request.detail = detail
        request.trace?.cutShort()
        dropUpstream()
        record()
        state = .closed
        deadline = .max
        act(.abortClient)
    }

    func becomeIdle() {
        state = .idle
        deadline = gateway.now + gateway.limits.idleTimeout
        forwardedHeadLength = 0
        heldLength = 0
        // Lets go of the configuration, and of all that is part of it.
        request = RequestContext()
        toUpstream.removeAll()
        toUpstream.trim(above: 4096)
    }

    func closeClient() {
        state = .closed
        deadline = .max
        backlog = []
        act(.closeClient)
    }

    /// Closes in two steps: a client that is still sending would get a reset, and might lose the answer to it.
    func startLingering() {
        state = .lingering
        lingered = 0
        backlog = []
        deadline = gateway.now + GatewayLimits.lingerTime
        act(.shutClientOutput)
    }

    func linger(over count: Int) {
        lingered += count
        if lingered > GatewayLimits.lingerBytes { closeClient() }
    }

    /// The client is gone.
    ///
    /// - Parameter fault: of its own content. Where it has no answer yet, it may still be told, as far as its stream goes.
    func clientLost(for fault: HTTP2Fault? = nil) {
        switch state {
        case .waitingForGrant:
            endWait(.abandoned)
            abandon(for: fault)
        case .exchange: abandon(for: fault)
        case .tunnel:
            dropUpstream()
            request.detail = "The client's connection was cut within the tunnel."
            record()
        case .idle, .head, .discarding, .lingering, .closed: break
        }
        state = .closed
        deadline = .max
        backlog = []
    }

    /// 499, as others call it, where the client has left without a status.
    private func abandon(for fault: HTTP2Fault?) {
        let refusal = fault.map(Refusal.malformed)
        if let refusal, request.status == 0 {
            refuse(refusal)
            return act(.closeClient)
        }
        dropUpstream()
        if request.status == 0 { request.status = 499 }
        request.detail = refusal?.detail ?? "The client closed before the answer was whole."
        record()
    }

    // MARK: - Time

    /// The deadline of the present state has passed.
    func timeOut() {
        switch state {
        case .idle, .lingering: closeClient()
        case .head: headTimedOut()
        case .waitingForGrant:
            endWait(.timeout)
            refuse(.quotaUnavailable)
        case .discarding: startLingering()
        case .exchange: exchangeTimedOut()
        case .tunnel: abort("Nothing went through the tunnel for too long.")
        case .closed: break
        }
    }

    /// Answers 408 to a head that does not come to an end (RFC 9110 §15.5.9).
    private func headTimedOut() {
        beginUnreadable(byteCount: backlog.count)
        refuse(.requestTimeout)
    }

    private func exchangeTimedOut() {
        if gateway.now >= request.giveUpAt { return ranOutOfTime() }
        switch upstream {
        case .none, .tunnelling: break
        case .pausing: resumeTrying()
        case .connecting(let id):
            act(.closeUpstream(id))
            connectFailed(id, .connectTimeout)
        case .awaitingHead:
            guard isUpstreamsTurn else { return refuse(.requestTimeout) }
            tryFailed(.timeout)
        case .responding:
            guard isClientWritable else { return abort("The client did not take the answer in time.") }
            guard isUpstreamsTurn else { return abort("Neither side sent anything for too long.") }
            report(.timeout)
            abort("The upstream did not finish its answer in time.")
        }
    }

    /// All the time that the service has for a request is over, whatever is under way.
    private func ranOutOfTime() {
        switch upstream {
        case .none, .pausing, .connecting: refuse(.upstreamTimeout)
        case .awaitingHead:
            guard isUpstreamsTurn else { return refuse(.requestTimeout) }
            report(.timeout)
            refuse(.upstreamTimeout)
        case .responding:
            if isClientWritable, isUpstreamsTurn { report(.timeout) }
            abort("The answer was not whole within the service's time for a request.")
        case .tunnelling: break
        }
    }
}
