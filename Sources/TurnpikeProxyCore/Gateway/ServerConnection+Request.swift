// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension ServerConnection {
    /// Uses bytes of the client as far as the state allows.
    ///
    /// - Parameter isEvent: they are those of the event itself, which can be passed on without a copy.
    /// - Returns: how many were used; the rest waits.
    func takeClient(_ bytes: UnsafeRawBufferPointer, isEvent: Bool) -> Int {
        var offset = 0
        while offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            switch state {
            case .idle where isSated: return offset
            case .idle, .head:
                guard let length = takeHead(rest) else { return isClosedToRequests ? bytes.count : offset }
                offset += length
            case .exchange:
                guard isSending, !requestBody.isComplete else { return offset }
                guard let length = takeContent(rest) else { return bytes.count }
                guard length > 0 else { break }
                forward(rest, ByteRange(0, length), origin: isEvent ? ByteRange(offset, offset + length) : nil)
                offset += length
            case .discarding:
                guard let length = takeContent(rest) else { return bytes.count }
                offset += length
                if requestBody.isComplete { becomeIdle() }
            case .tunnel:
                passToUpstream(rest, origin: isEvent ? ByteRange(offset, bytes.count) : nil)
                return bytes.count
            case .waitingForGrant: return offset
            case .lingering:
                linger(over: rest.count)
                return bytes.count
            case .closed: return bytes.count
            }
        }
        return offset
    }

    /// The request, or what there is of it so far, is on a connection to the upstream.
    private var isSending: Bool {
        switch upstream {
        case .awaitingHead, .responding, .tunnelling: true
        case .none, .pausing, .connecting: false
        }
    }

    private var isClosedToRequests: Bool {
        switch state {
        case .lingering, .closed: true
        default: false
        }
    }

    // MARK: - Head

    /// Reads on in a head, and starts the request once it is complete.
    ///
    /// - Returns: the head's length; nil when it is not complete or was refused.
    private func takeHead(_ bytes: UnsafeRawBufferPointer) -> Int? {
        if case .idle = state {
            state = .head
            deadline = gateway.now + gateway.limits.headTimeout
        }
        switch parser.parse(bytes, into: &head) {
        case .incomplete: return nil
        case .complete(let length):
            start(bytes)
            return length
        case .fault(let fault):
            beginUnreadable(byteCount: bytes.count)
            refuse(.malformed(fault))
            return nil
        }
    }

    private func beginRequest() {
        request.startedAt = gateway.now
        request.receivedAt = gateway.wall
        request.id = gateway.requestIDs.next(
            unixMillis: UInt64(clamping: gateway.wall.milliseconds), random: &gateway.random
        )
        toUpstream.removeAll()
        forwardedHeadLength = 0
        heldLength = 0
        sentContent = false
    }

    /// A request of which nothing can be relied upon but that it is to be refused.
    func beginUnreadable(byteCount: Int) {
        beginRequest()
        head = RequestHead()
        origin.forget()
        requestBody = BodyReader(.none)
        request.bytesIn = Int64(byteCount)
        logged.removeAll()
        (loggedMethod, loggedPath, loggedHost, loggedAgent) = (.empty, .empty, .empty, .empty)
    }

    /// Decides on a request whose head is complete.
    private func start(_ bytes: UnsafeRawBufferPointer) {
        beginRequest()
        // One copy for all that follows, where each call would make its own.
        let head = head
        request.bytesIn = Int64(head.headLength)
        requestBody = BodyReader(head.framing, payloadLimit: gateway.limits.bodyBytes)
        if let proxies = gateway.trustedProxies { origin.find(head, bytes, trusting: proxies) }
        if head.hasBody { pace = ContentPace(patience: gateway.limits.bodyTimeout) }
        if head.fields.present.has(.turnpikeDebug) { request.isDebugged = isDebugged(bytes) }
        startTrace(bytes)
        logged.removeAll()
        loggedMethod = logged.append(bytes[head.methodName])
        loggedPath = logged.append(
            bytes[ByteRange(head.path.lowerBound, head.path.lowerBound + min(head.path.count, 1024))])
        if gateway.wantsParties {
            loggedHost = logged.append(bytes[head.host])
            if gateway.wantsAgent { logAgent(head, bytes) }
            request.loggedTrace = request.trace?.trace.context ?? TraceParent(of: head, in: bytes)
        }
        do throws(Refusal) {
            if head.framing.announces(moreThan: gateway.limits.bodyBytes) { throw .malformed(.bodyTooLarge) }
            let admission = try gateway.admit(
                head, bytes, from: &origin, content: &requestBody, context: &request, to: toUpstream)
            forwardedHeadLength = toUpstream.count
            heldLength = forwardedHeadLength
            // A stream of gRPC's holds none of its upstream's connections for itself.
            if head.framing == .chunked, request.cluster?.speaksHTTP2 == true { pace.isGRPC = head.carriesGRPC(bytes) }
            switch admission {
            case .admitted: beginExchange()
            case .waitsForGrant: waitForGrant()
            }
        } catch {
            refuse(error)
        }
    }

    private func logAgent(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) {
        let value = head.fields.first(named: "user-agent", in: bytes)?.value ?? .empty
        loggedAgent = logged.append(bytes[ByteRange(value.lowerBound, value.lowerBound + min(value.count, 256))])
    }

    // MARK: - Waiting for a grant

    private func waitForGrant() {
        guard gateway.leaseWaiters < gateway.limits.leaseWaiters else {
            gateway.observer?.leaseWaitEnded(.overloaded)
            return refuse(.quotaUnavailable)
        }
        gateway.leaseWaiters += 1
        state = .waitingForGrant
        deadline = gateway.now + gateway.limits.leaseWait
    }

    /// Looks at the quotas again.
    func retryQuotas() {
        do throws(Refusal) {
            guard let route = request.route,
                case .admitted = try gateway.spendQuotas(of: route, context: &request)
            else { return }
            request.isAdmitted = true
            endWait(.granted)
            beginExchange()
        } catch {
            endWait(.refused)
            refuse(error)
        }
    }

    func endWait(_ outcome: LeaseWaitOutcome) {
        gateway.leaseWaiters -= 1
        gateway.observer?.leaseWaitEnded(outcome)
    }

    /// Whether the transport has to call ``leasesChanged()`` when there are grants.
    public var waitsForGrant: Bool { if case .waitingForGrant = state { true } else { false } }

    // MARK: - Content

    /// Follows the content through the bytes.
    ///
    /// - Returns: how many belong to it; nil where they make no sense, and the request has been ended for that.
    private func takeContent(_ bytes: UnsafeRawBufferPointer) -> Int? {
        do {
            let progress = try requestBody.advance(bytes)
            request.bytesIn += Int64(progress.consumed)
            return progress.consumed
        } catch {
            contentFailed(error)
            return nil
        }
    }

    /// What was sent on so far cannot be taken back: the upstream sees its connection closed within the content, and so
    /// cannot take half a request for a whole one.
    private func contentFailed(_ fault: HTTPFault) {
        if case .discarding = state { return startLingering() }
        if case .responding = upstream { return abort("The request's content was refused: \(fault.reason).") }
        refuse(fault == .bodyTooLarge ? .contentTooLarge(requestBody.payloadLimit) : .malformed(fault))
    }

    private func forward(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange, origin: ByteRange?) {
        sentContent = true
        if mirror != nil { mirrorContent(bytes[range]) }
        if holds(range.count) {
            let held = toUpstream.append(bytes[range])
            heldLength = toUpstream.count
            act(.sendToUpstream(.staged(held)))
        } else if let origin {
            act(.sendToUpstream(.received(origin)))
        } else {
            act(.sendToUpstream(.staged(toUpstream.append(bytes[range]))))
        }
        request.sentUpstreamAt = gateway.now
        let limits = gateway.limits
        let rate = pace.isGRPC ? 0 : limits.bodyRate
        pace.received(range.count, rate: rate, most: limits.bodyTimeout, now: gateway.now)
        if case .awaitingHead = upstream, let perTryTimeout = request.cluster?.retryRule?.perTryTimeout {
            request.tryEndsAt = gateway.now.addingClamped(perTryTimeout)
        }
        expectProgress()
    }

    /// Whether so much more content is kept for another try; once it is too much, none is.
    private func holds(_ count: Int) -> Bool {
        guard request.holdsContent else { return false }
        request.holdsContent = heldLength - forwardedHeadLength + count <= GatewayLimits.heldContentBytes
        if !request.holdsContent { heldLength = forwardedHeadLength }
        return request.holdsContent
    }

    /// Sets the clock for whoever's turn it is.
    func expectProgress() {
        guard let cluster = request.cluster else { return }
        if case .responding = upstream { return expectResponseContent() }
        if isUpstreamsTurn { return expire(in: cluster.responseTimeout) }
        // The client's turn is no part of the try.
        let end = cluster.streamIdleTimeout.map(gateway.now.addingClamped) ?? pace.wait(now: gateway.now)
        deadline = min(end, request.giveUpAt)
    }

    /// Whether the upstream is waited for, to take more of the request or to answer it; else the client is, for content.
    var isUpstreamsTurn: Bool { requestBody.isComplete || !isUpstreamWritable }
}
