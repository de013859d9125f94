// SPDX-License-Identifier: Apache-2.0

extension Gateway {
    /// Writes what is needed of the request once it is admitted, which may be later: the head that the upstream gets, or
    /// where the route redirects to. Chooses the service.
    func prepare(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, from origin: inout RequestOrigin, for route: GatewayRoute,
        context: inout RequestContext, to stage: ByteStage
    ) {
        if let choice = route.stickiness?.choose(head, bytes, random: &random) {
            context.stickyBackend = choice.backend
            context.newCookie = choice.newCookie
        }
        guard let answer = route.answer else {
            chooseService(for: route, context: &context)
            if case .maglev(let hash)? = context.service?.cluster.balancing {
                context.hash = hash.value(of: head, bytes, from: origin.subject)
            }
            context.upgrade = route.upgrades?.choose(head, bytes)
            return writeForwardedHead(head, bytes, from: &origin, for: route, context: &context, to: stage)
        }
        guard let location = answer.location else { return }
        _ = normaliser.withPath(context.path, of: bytes[head.path]) { path in
            let values = TextExpansion.Values(
                path: path, query: head.query.map { bytes[$0] }, host: bytes[head.host])
            _ = stage.write(atMost: location.sizeBound(values)) { location.write(values, to: &$0) }
        }
    }

    /// Chooses the service, by stickiness or weight.
    func chooseService(for route: GatewayRoute, context: inout RequestContext) {
        context.service =
            balancers.service(for: route, preferring: context.stickyBackend, in: &upstreams, now: now)
            ?? balancers.lastResort(for: route, in: &upstreams, now: now)
    }

    /// The endpoint for the request's next try, by its place among those of `context.service`. Where that service has none
    /// left, another of the route's takes its place, unless the route is an old one, whose services may be gone, or the other
    /// service does not want to be sent again what one may have had.
    func nextEndpoint(for method: MethodSet, context: inout RequestContext) -> Int? {
        if let place = endpoint(of: context.service, &context) { return place }
        guard let route = context.route, context.revision == revision,
            let other = balancers.service(for: route, in: &upstreams, now: now), other !== context.service,
            other.load.activeRequests < other.cluster.loadLimits.requests,
            !context.wasSent || other.cluster.retryRule?.methods.contains(method) == true
        else { return lastResort(&context) }
        context.count(at: other.load)
        context.service = other
        context.hash = nil
        context.tried = EndpointSet()
        return endpoint(of: other, &context)
    }

    private func endpoint(of service: ServiceBalancer?, _ context: inout RequestContext) -> Int? {
        service?.next(
            hash: context.hash, tried: context.tried, isLastChance: isLastChance(&context), in: &upstreams,
            random: &random, now: now)
    }

    /// Whether the request could not reach the endpoint of the try before, and has no other try after the next one.
    private func isLastChance(_ context: inout RequestContext) -> Bool {
        guard let failure = context.failure, failure.isUnsent, !context.tried.isEmpty, let service = context.service
        else { return false }
        return context.retries >= service.cluster.retryRule?.attempts ?? (limits.upstreamAttempts - 1)
    }

    /// Where there is no other, an endpoint that could not be reached a moment ago is asked, or one that is not fit: once a request, so that nobody
    /// waits for one after the other, and by each retry that a rule allows, since it has waited.
    private func lastResort(_ context: inout RequestContext) -> Int? {
        guard let service = context.service,
            context.attempts == 0 || context.retries > 0 && service.cluster.retryRule != nil
        else { return nil }
        return service.nextLastResort(hash: context.hash, tried: context.tried, random: &random, now: now)
    }

    /// Writes the head that the upstream gets. It is kept until the upstream answers, should it have to be sent again.
    private func writeForwardedHead(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, from origin: inout RequestOrigin, for route: GatewayRoute,
        context: inout RequestContext, to stage: ByteStage
    ) {
        let traced = context.trace?.trace.context
        let trace = traced ?? TraceParent(random: &random)
        if wantsParties, context.loggedTrace == nil { context.loggedTrace = trace }
        let rewrite = route.rewrite
        origin.peer.text.withUnsafeBytes { address in
            _ = normaliser.withPath(context.path, of: bytes[head.path]) { path in
                var forwarding = RequestForwarding(
                    path: rewrite?.path(for: path, host: bytes[head.host], in: scratch) ?? path,
                    clientAddress: address, scheme: origin.scheme, trustsPeer: origin.trustsPeer,
                    drop: context.credential.union([.expect, .turnpikeMirror, .turnpikeDebug]),
                    requestID: context.id, newTrace: trace
                )
                forwarding.replacesTrace = traced != nil
                forwarding.edits = route.requestEdits
                if origin.trustsPeer {
                    forwarding.peerScheme = origin.peerScheme
                    forwarding.reported = origin.reported?.text
                }
                forwarding.upgrade = context.upgrade
                guard let host = rewrite?.host else { return write(forwarding, head, bytes, to: stage) }
                host.withUnsafeBytes { host in
                    forwarding.host = host
                    write(forwarding, head, bytes, to: stage)
                }
            }
        }
    }

    private func write(
        _ forwarding: RequestForwarding, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, to stage: ByteStage
    ) {
        _ = stage.write(atMost: forwarding.sizeBound(head)) { writer in
            forwarding.write(head, bytes, to: &writer)
            writer.appendEndOfHead()
        }
    }
}
