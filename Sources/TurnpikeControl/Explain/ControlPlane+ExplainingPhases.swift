// SPDX-License-Identifier: Apache-2.0

import TurnpikeIdentity
import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot

extension ControlPlane {
    /// What each phase of a gateway would make of the request, in their order.
    func explainPhases(
        of route: CompiledRoute, _ request: ExplainRequest, _ matched: GatewayConfiguration.Explanation,
        in snapshot: Snapshot, _ explanation: inout Explanation
    ) async throws(TurnpikeError) {
        var key: ResourceID?
        for phase in RequestPhase.allCases {
            switch phase {
            // The one is behind the request, the other a matter of each gateway's disk.
            case .match, .account: break
            case .apiKey: key = explainKey(request.key, on: route, in: &explanation)
            case .maxContentBytes: explainContent(matched.framing, on: route, in: &explanation)
            case .rateLimit:
                for step in await explainRateLimits(of: route, in: snapshot, key) {
                    explanation.add(step, refusal: .rateLimited)
                }
            case .quota:
                for quota in snapshot.quotas(of: route) {
                    try await explainQuota(quota.name, of: route, key, in: &explanation)
                }
            case .forward: explanation.forward(by: route, matched)
            }
        }
    }

    /// What a gateway would say to the content, as far as the request's fields tell of it.
    private func explainContent(_ framing: BodyFraming, on route: CompiledRoute, in explanation: inout Explanation) {
        guard let most = route.maxContentBytes else { return }
        let (outcome, detail): (Explanation.Step.Outcome, String) =
            switch framing {
            case .none: (.passes, "No content is announced; it may have \(most) bytes at most.")
            case .length(let length):
                (
                    framing.announces(moreThan: UInt64(most)) ? .refuses : .passes,
                    "The announced content has \(length) bytes; it may have \(most) bytes at most."
                )
            case .chunked, .untilClose:
                (.depends, "The content's length is not announced; gateways cut it off behind \(most) bytes.")
            }
        explanation.add(.init(check: .maxContentBytes, outcome: outcome, detail: detail), refusal: .bodyTooLarge)
    }

    /// The key that the request brings, where gateways would take it.
    private func explainKey(
        _ text: String?, on route: CompiledRoute, in explanation: inout Explanation
    ) -> ResourceID? {
        func step(_ outcome: Explanation.Step.Outcome, _ detail: String, _ refusal: ErrorCode = .unauthenticated) {
            explanation.add(.init(check: .apiKey, outcome: outcome, detail: detail), refusal: refusal)
        }
        guard route.requiresKey else {
            step(.skipped, "The route asks for no API key.")
            return nil
        }
        guard let text else {
            step(.refuses, "The route asks for an API key.")
            return nil
        }
        guard let resource = apiKey(text, tenant: route.tenant), let key = resource.spec as? APIKey, key.isEnabled,
            key.expiresAt.map({ clock.now < $0 }) ?? true
        else {
            step(.refuses, "There is no such key, or it is disabled or expired.")
            return nil
        }
        guard key.routes.isEmpty || key.routes.contains(route.name) else {
            step(.refuses, "The key '\(resource.key.name)' does not permit this route.", .forbidden)
            return resource.id
        }
        step(.passes, "The key '\(resource.key.name)' permits this route.")
        return resource.id
    }

    private func apiKey(_ text: String, tenant: String) -> Resource? {
        guard text.hasPrefix("tp_") else {
            let collection = CollectionKey(.apiKey, tenant: tenant)
            return (try? view.key(in: collection, nameOrID: text)).flatMap { view.resource($0) }
        }
        let key = view.read { $0.apiKey(KeyDigest.sha256(of: text)) }
        return key?.key.tenant == tenant ? key : nil
    }

    private func explainQuota(
        _ name: String, of route: CompiledRoute, _ key: ResourceID?, in explanation: inout Explanation
    ) async throws(TurnpikeError) {
        let resource = try resource(.quota, tenant: route.tenant, name: name, for: .system)
        guard let quota = resource.spec as? Quota else { return }
        var step = Explanation.Step(check: .quota, name: name, outcome: .skipped, detail: "")
        if quota.per == .key, key == nil {
            step.detail = "The quota is each key's own; the request brings none."
        } else {
            let state = try await quotaState(
                tenant: route.tenant, quota: name,
                key: quota.per == .key ? key?.text(prefix: Kind.apiKey.idPrefix) : nil, for: .system)
            step.state = state.json
            // What is granted and not yet spent lies with the workers; so with nothing remaining, it depends on them.
            step.outcome = state.remaining > 0 || quota.enforcement == .soft ? .passes : .depends
            step.detail =
                state.remaining > 0
                ? "\(state.remaining) of \(state.limit) are left until \(state.periodEnd)."
                : "All of \(state.limit) is granted to gateways until \(state.periodEnd); they refuse what they have not left."
        }
        explanation.steps.append(step)
    }
}

extension Explanation {
    /// What becomes of a request that all phases before let pass.
    fileprivate mutating func forward(by route: CompiledRoute, _ matched: GatewayConfiguration.Explanation) {
        answerStatus = matched.answerStatus
        location = matched.location
        forwardedPath = matched.forwardedPath
        forwardedHost = matched.forwardedHost
        upgrade = matched.upgrade
        backends = route.backends.map {
            .init(service: $0.cluster, weight: Int($0.weight), zones: matched.zoneSpreads[$0.cluster])
        }
        mirrors = route.mirrors
    }
}
