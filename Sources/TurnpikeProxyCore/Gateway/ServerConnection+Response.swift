// SPDX-License-Identifier: Apache-2.0

extension ServerConnection {
    /// Uses bytes of the upstream, all of them.
    func takeUpstream(_ bytes: UnsafeRawBufferPointer) {
        switch upstream {
        case .none, .pausing: break
        case .connecting: upstreamMisbehaved("it spoke before it was asked")
        case .responding: takeResponseContent(bytes, from: 0, isEvent: true)
        case .tunnelling: passToClient(bytes, from: 0, isEvent: true)
        case .awaitingHead:
            guard !responseBacklog.isEmpty else {
                let used = takeResponseHeads(bytes, isEvent: true)
                if used < bytes.count { responseBacklog.append(contentsOf: bytes[used...]) }
                return
            }
            var held = responseBacklog
            responseBacklog = []
            held.append(contentsOf: bytes)
            let used = held.withUnsafeBytes { takeResponseHeads($0, isEvent: false) }
            responseBacklog = Array(held[used...])
        }
    }

    /// Interim answers, the final one, and what there is of its content.
    ///
    /// - Returns: bytes used; the rest is part of a head.
    private func takeResponseHeads(_ bytes: UnsafeRawBufferPointer, isEvent: Bool) -> Int {
        var offset = 0
        while case .awaitingHead(let id, _) = upstream, offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            switch responseParser.parse(rest, answersHead: head.method == .head, into: &response) {
            case .incomplete: return offset
            case .fault(let fault):
                upstreamMisbehaved(fault.reason)
                return bytes.count
            case .complete(let length):
                offset += length
                if response.status == 101 {
                    takeSwitch(rest, on: id)
                    if case .tunnelling = upstream { passToClient(bytes, from: offset, isEvent: isEvent) }
                } else if response.isInterim {
                    takeInterim(rest)
                } else {
                    judge(TryOutcome(status: response.status))
                    let behind = UnsafeRawBufferPointer(rebasing: bytes[offset...])
                    if triesAgain(id, rest: behind) { return bytes.count }
                    upstream = .responding(id)
                    request.tryEndsAt = .max
                    startResponse(rest)
                    takeResponseContent(bytes, from: offset, isEvent: isEvent)
                }
            }
        }
        return bytes.count
    }

    /// A 101 is good only for what the client was allowed to ask for. After any other, the two sides would differ on where the
    /// next request begins.
    private func takeSwitch(_ bytes: UnsafeRawBufferPointer, on id: UpstreamID) {
        guard let token = request.upgrade, let upgrades = request.route?.upgrades, response.switches(to: token, bytes)
        else { return upstreamMisbehaved("it switched to a protocol that was not asked for") }
        judge(TryOutcome(status: response.status))
        startTunnel(bytes, upgrades, token: token, on: id)
    }

    /// 1xx answers go on to clients that know them; 100 was answered by the gateway.
    private func takeInterim(_ bytes: UnsafeRawBufferPointer) {
        request.interimAnswers += 1
        guard request.interimAnswers <= GatewayLimits.interimAnswers else {
            return upstreamMisbehaved("an interim answer that was not asked for")
        }
        guard response.status != 100, head.minorVersion > 0 else { return }
        sendHead(
            bytes, delivery: ResponseDelivery(response, clientMinorVersion: head.minorVersion, wantsKeepAlive: true))
    }

    private func startResponse(_ bytes: UnsafeRawBufferPointer) {
        request.status = response.status
        request.upstreamStatus = response.status
        request.trace?.answered(response.status)
        request.upstreamDuration = gateway.now - request.sentUpstreamAt
        // A client that is still sending would have to be read to the end, however long that is.
        let wantsKeepAlive = head.keepAlive && !gateway.isDraining && requestBody.isComplete
        let delivery = ResponseDelivery(
            response, clientMinorVersion: head.minorVersion, wantsKeepAlive: wantsKeepAlive
        )
        keepsClient = delivery.keepAlive
        responseBody = BodyReader(response.framing)
        responseChunks = delivery.decodesChunks ? ChunkDecoder() : nil
        sendHead(bytes, delivery: delivery)
        expectResponseContent()
    }

    /// - Parameter upgrade: the protocol that the connection speaks from here on, of a 101.
    func sendHead(_ bytes: UnsafeRawBufferPointer, delivery: ResponseDelivery, upgrade: [UInt8]? = nil) {
        var forwarding = ResponseForwarding(
            delivery: delivery, clientMinorVersion: head.minorVersion, requestID: request.id
        )
        forwarding.upgrade = upgrade
        let isFinal = !response.isInterim || upgrade != nil
        if isFinal { forwarding.edits = request.route?.responseEdits }
        let stickiness = isFinal ? request.route?.stickiness : nil
        let debug = isFinal ? debugReport() : nil
        // An upstream that is a gateway itself would answer for this one.
        if debug != nil { forwarding.drop.formUnion(.turnpikeDebug) }
        let lacksDate = lacksDate(forwarding.edits)
        let bound =
            forwarding.sizeBound(response) + (stickiness?.sizeBound ?? 0) + ByteWriter.debugBound(debug)
            + (lacksDate ? DateField.size : 0)
        let range = toClient.write(atMost: bound) { writer in
            forwarding.write(response, bytes, to: &writer)
            if lacksDate { gateway.date.write(to: &writer) }
            if let cookie = request.newCookie { stickiness?.writeCookie(cookie, over: origin.scheme, to: &writer) }
            writer.appendDebug(debug)
            writer.appendEndOfHead()
        }
        request.bytesOut += Int64(range.count)
        act(.sendToClient(.staged(range)))
    }

    /// Whether the upstream has left it to the gateway to say when it has answered (RFC 9110 §6.6.1).
    private func lacksDate(_ edits: FieldEdits?) -> Bool {
        !response.isInterim && !response.fields.present.has(.date) && edits?.drops("date") != true
    }

    // MARK: - Content

    private func takeResponseContent(_ bytes: UnsafeRawBufferPointer, from start: Int, isEvent: Bool) {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        let progress: BodyReader.Progress
        do {
            progress = try responseBody.advance(rest)
        } catch {
            report(.malformed)
            return abort("The upstream's content was malformed: \(error.reason).")
        }
        if progress.consumed > 0 { deliver(rest, ByteRange(start, start + progress.consumed), isEvent: isEvent) }
        guard progress.isComplete else { return expectResponseContent() }
        // Bytes behind the end of an answer belong to nothing that was asked.
        finish(keepsUpstream: response.keepAlive && progress.consumed == rest.count)
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer, _ origin: ByteRange, isEvent: Bool) {
        if responseChunks != nil { return deliverDecoded(bytes[ByteRange(0, origin.count)]) }
        request.bytesOut += Int64(origin.count)
        if isEvent {
            act(.sendToClient(.received(origin)))
        } else {
            act(.sendToClient(.staged(toClient.append(bytes[ByteRange(0, origin.count)]))))
        }
    }

    /// For HTTP/1.0 clients, who do not know chunks. The framing was checked a moment ago.
    private func deliverDecoded(_ bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while case .payload(let payload)? = try? responseChunks?.next(in: bytes, at: &offset) {
            request.bytesOut += Int64(payload.count)
            act(.sendToClient(.staged(toClient.append(bytes[payload]))))
        }
    }

    /// Sets the clock within an answer: for the upstream to send more, for the client to take what there is, or, while the
    /// request is not whole either, for whichever of them goes on first.
    func expectResponseContent() {
        guard let cluster = request.cluster else { return }
        guard isClientWritable else { return expire(in: gateway.limits.bodyTimeout) }
        let patience = requestBody.isComplete ? 0 : gateway.limits.bodyTimeout
        expire(in: cluster.streamIdleTimeout ?? max(cluster.responseTimeout, patience))
    }

    private func upstreamMisbehaved(_ reason: String) {
        report(.malformed)
        request.detail = "The upstream's answer was not understood: \(reason)."
        dropUpstream()
        refuse(.upstreamFailed)
    }
}
