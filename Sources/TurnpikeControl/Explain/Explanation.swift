// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
public import TurnpikeProxyCore

/// What a gateway would do with a request.
public struct Explanation: Sendable {
    public struct Candidate: Sendable {
        public var route: ResourceKey
        /// `selected`, or why not: `precedence`, `condition`, `method`, `path`.
        public var verdict: String
        public var detail: String
    }

    /// One thing that the request must pass on the route, in the order in which gateways check.
    public struct Step: Sendable {
        public enum Outcome: String, Sendable {
            case passes, refuses
            /// Depends on what other requests do until then, or on content that is still to come.
            case depends
            /// Does not concern this request, or is not reached.
            case skipped
        }

        /// The phase that checks it.
        public var check: RequestPhase
        /// Of the policy or quota.
        public var name: String?
        public var outcome: Outcome
        public var detail: String
        /// The quota's state, or the rate limit's definition.
        public var state: JSON?
    }

    /// As it is matched, and forwarded unless the route rewrites it.
    public var path: String
    /// What the upstream gets to see, where the route rewrites it.
    public var forwardedPath: String?
    public var forwardedHost: String?
    /// The protocol that the upstream is asked to switch to.
    public var upgrade: String?
    public var route: ResourceKey?
    /// The selected route first, then those that come next.
    public var candidates: [Candidate]
    public var steps: [Step] = []
    public var backends: [CompiledBackend] = []
    /// Services that get copies.
    public var mirrors: [Mirror] = []
    /// The code of the refusal that the request gets as things stand.
    public var refusal: ErrorCode?
    /// The status of the route's own answer, where it forwards nothing.
    public var answerStatus: Int?
    /// Where that answer leads.
    public var location: String?

    public struct CompiledBackend: Sendable {
        public var service: String
        public var weight: Int
        /// How the gateway spreads the service's requests over zones; `nil` where the service does not mind them.
        public var zones: ZoneSpread?
    }

    public var json: JSON {
        .object(
            JSONObject([
                "path": .string(path),
                "route": route.map { ["tenant": .string($0.tenant ?? ""), "name": .string($0.name)] } ?? .null,
                "candidates": .array(
                    candidates.map { candidate in
                        [
                            "tenant": .string(candidate.route.tenant ?? ""), "name": .string(candidate.route.name),
                            "verdict": .string(candidate.verdict), "detail": .string(candidate.detail),
                        ]
                    }),
                "steps": .array(steps.map(\.json)),
                "backends": .array(backends.map(\.json)),
                "mirrors": mirrors.isEmpty ? nil : .array(mirrors.map(\.json)), "outcome": outcome,
            ]))
    }

    private var outcome: JSON {
        if let refusal {
            return [
                "forwarded": false, "status": .integer(Int64(refusal.status)), "code": .string(refusal.rawValue),
            ]
        }
        return .object(
            JSONObject([
                "forwarded": .bool(answerStatus == nil), "status": answerStatus.map { .integer(Int64($0)) },
                "location": location.map { .string($0) }, "path": forwardedPath.map { .string($0) },
                "host": forwardedHost.map { .string($0) }, "upgrade": upgrade.map { .string($0) },
            ]))
    }
}

extension Explanation {
    /// - Parameter refusal: of a request that the step refuses; the first counts.
    mutating func add(_ step: Step, refusal code: ErrorCode) {
        steps.append(step)
        if step.outcome == .refuses { refusal = refusal ?? code }
    }
}

extension Explanation.CompiledBackend {
    fileprivate var json: JSON {
        .object(
            JSONObject([
                "service": .string(service), "weight": .integer(Int64(weight)), "zones": zones?.json,
            ]))
    }
}

extension ZoneSpread {
    fileprivate var json: JSON {
        .object(
            JSONObject([
                "preferred": preferred.map { .string($0) }, "minHealthyPercent": .integer(Int64(minHealthyPercent)),
                "shares": .array(
                    shares.map { share in
                        .object(
                            JSONObject([
                                "zone": share.zone.map { .string($0) }, "endpoints": .integer(Int64(share.endpoints)),
                                "percent": .number(share.percent),
                            ]))
                    }),
            ]))
    }
}

extension Explanation.Step {
    fileprivate var json: JSON {
        .object(
            JSONObject([
                "check": .string(check.name), "name": name.map { .string($0) }, "outcome": .string(outcome.rawValue),
                "detail": .string(detail), "state": state,
            ]))
    }
}
