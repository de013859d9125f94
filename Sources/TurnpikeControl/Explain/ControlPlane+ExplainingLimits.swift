// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot

extension ControlPlane {
    /// How long workers' answers are waited for.
    private static let probePatience = Duration.milliseconds(500)

    /// The route's rate limits, with what the connected gateways say that they have left for this request.
    func explainRateLimits(
        of route: CompiledRoute, in snapshot: Snapshot, _ key: ResourceID?
    ) async -> [Explanation.Step] {
        let limits = snapshot.rateLimits(of: route)
        // Gateways are asked for so many; of those beyond, only the definition is told.
        let subjects = limits.enumerated().map { place, limit in
            place < Probe.mostSubjects
                ? limit.subject(route, key).map { Probe.Subject(policy: limit.id, subject: $0) } : nil
        }
        let answers = await publisher.probe(subjects.compactMap { $0 }, timeout: Self.probePatience)
        var place = 0
        return zip(limits, subjects).map { limit, subject in
            guard subject != nil else {
                return limit.per == .key && key == nil
                    ? limit.step(.skipped, "The limit is each key's own; the request brings none.")
                    : limit.step(.depends, "Each gateway keeps count by itself, by \(limit.per.rawValue).")
            }
            defer { place += 1 }
            return limit.step(answers.map { ($0.worker.name, $0.states[place]) })
        }
    }
}

extension CompiledRateLimit {
    /// Whose requests are counted together with this one; `nil` where the request does not say.
    fileprivate func subject(_ route: CompiledRoute, _ key: ResourceID?) -> ResourceID? {
        switch per {
        case .key: key
        case .tenant: route.tenantID
        case .route: route.id
        case .address: nil
        }
    }

    fileprivate func step(_ answers: [(worker: String, state: ProbeAnswer.State?)]) -> Explanation.Step {
        guard !answers.isEmpty else {
            return step(.depends, "Each gateway keeps count by itself, by \(per.rawValue); none has answered.")
        }
        let left = answers.map { $0.state?.remaining ?? burst }
        let refusing = left.count { $0 == 0 }
        let outcome: Explanation.Step.Outcome =
            refusing == 0 ? .passes : refusing == answers.count ? .refuses : .depends
        let range = left.min() == left.max() ? "\(left[0])" : "\(left.min() ?? 0) to \(left.max() ?? 0)"
        return step(
            outcome,
            "\(range) of \(burst) are left at once at \(answers.count) gateway\(answers.count == 1 ? "" : "s"), each by its own count."
                + (outcome == .depends ? " \(refusing) of them would refuse." : ""),
            workers: answers.map { worker, state in
                [
                    "worker": .string(worker), "remaining": .integer(state?.remaining ?? burst),
                    "resetAfter": .string(Duration.milliseconds(state?.resetAfterMillis ?? 0).text),
                ]
            })
    }

    fileprivate func step(
        _ outcome: Explanation.Step.Outcome, _ detail: String, workers: [JSON] = []
    ) -> Explanation.Step {
        Explanation.Step(
            check: .rateLimit, name: name, outcome: outcome, detail: detail,
            state: .object(
                JSONObject([
                    "per": .string(per.rawValue), "limit": .integer(limit), "interval": .string(interval.text),
                    "burst": .integer(burst), "workers": workers.isEmpty ? nil : .array(workers),
                ])))
    }
}
