// SPDX-License-Identifier: Apache-2.0

extension ServerConnection {
    // MARK: - What has come of a try

    /// A try has failed, and nothing of an answer has gone to the client. Another is made where the service's rule says so and
    /// it is safe; else the client is told.
    func tryFailed(_ failure: UpstreamFailure) {
        report(failure)
        guard let pause = planRetry(after: failure) else { return refuse(.after(failure)) }
        retry(after: pause, failure)
    }

    /// Tells the observer of a failure, and counts it against the endpoint.
    func report(_ failure: UpstreamFailure) {
        observe(failure)
        request.trace?.failed(failure.rawValue)
        judge(.gatewayError)
    }

    private func observe(_ failure: UpstreamFailure) {
        guard let route = request.route, let cluster = request.cluster else { return }
        gateway.observer?.upstreamFailed(failure, route: route, service: cluster.name)
    }

    /// Counts what the try has come to for or against its endpoint.
    func judge(_ outcome: TryOutcome) {
        guard let service = request.service, let place = request.place,
            service.note(outcome, at: place, now: gateway.now), let route = request.route
        else { return }
        gateway.observer?.endpointEjected(route: route, service: service.cluster.name)
    }

    // MARK: - Answers that are failures

    /// Throws an answer away where its status is a reason to try once more.
    ///
    /// - Parameter rest: what came behind its head.
    /// - Returns: false where the answer is for the client.
    func triesAgain(_ id: UpstreamID, rest: UnsafeRawBufferPointer) -> Bool {
        guard response.status >= 500, let pause = planRetry(after: .status) else { return false }
        request.upstreamStatus = response.status
        request.trace?.answered(response.status)
        observe(.status)
        var body = BodyReader(response.framing)
        let progress = try? body.advance(rest)
        // A connection is worth keeping where all of the answer is there already.
        if response.keepAlive, requestBody.isComplete,
            progress == BodyReader.Progress(consumed: rest.count, isComplete: true),
            giveBack(id)
        {
            endTry()
            act(.detach(id))
        }
        retry(after: pause, .status)
        return true
    }

    // MARK: - Trying again

    /// Whether an upstream may get what was sent so far once more, as far as the gateway and the client are concerned.
    var isRepeatable: Bool { (!sentContent || request.holdsContent) && request.interimAnswers == 0 }

    /// Decides whether there is another try, and takes it from the service's budget.
    ///
    /// - Returns: how long to wait before it; nil where there is none.
    private func planRetry(after failure: UpstreamFailure) -> UInt64? {
        guard let service = request.service,
            service.load.activeRetries - (request.isRetrying ? 1 : 0) < service.cluster.loadLimits.retries
        else { return nil }
        let isUnsent = failure.isUnsent
        guard let rule = service.cluster.retryRule else {
            // Without a rule, others are tried at once where one could not be reached.
            return isUnsent && request.retries + 1 < gateway.limits.upstreamAttempts ? 0 : nil
        }
        guard request.retries < rule.attempts, rule.covers(failure, status: response.status) else { return nil }
        // An upstream that had the wish to switch may have switched.
        guard isRepeatable, isUnsent || (request.upgrade == nil && rule.methods.contains(MethodSet(head.method))) else {
            return nil
        }
        guard isUnsent || service.mayBeTried(now: gateway.now) else { return nil }
        let isAtOnce = isUnsent && service.hasOther(than: request.tried, in: &gateway.upstreams, now: gateway.now)
        let pause = isAtOnce ? 0 : rule.pause(beforeRetry: request.retries + 1, random: &gateway.random)
        guard gateway.now.addingClamped(pause) < request.giveUpAt,
            service.load.retryBudget.take(rule.budget, now: gateway.now)
        else { return nil }
        return pause
    }

    private func retry(after pause: UInt64, _ failure: UpstreamFailure) {
        dropUpstream()
        request.retries += 1
        request.setRetrying(true)
        request.failure = failure
        guard pause > 0 else { return startTry(after: .after(failure)) }
        upstream = .pausing
        expire(in: pause)
    }

    /// The pause is over.
    func resumeTrying() { startTry(after: request.failure.map(Refusal.after) ?? .noHealthyUpstream) }
}

extension Refusal {
    /// What a client gets to know of a try that failed, when there is no other.
    static func after(_ failure: UpstreamFailure) -> Refusal {
        switch failure {
        case .connect: .noHealthyUpstream
        case .connectTimeout, .timeout: .upstreamTimeout
        case .closed, .malformed, .status: .upstreamFailed
        }
    }
}
