// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import TurnpikeControl
import TurnpikeModel

/// Many writes as one revision or none.
struct ApplyEndpoints {
    let control: ControlPlane

    var all: [Endpoint] {
        [
            Endpoint(.post, "/v1/apply", .operators, parameters: ["dryRun", "wait", "timeout"]) {
                try await apply($0, $1)
            }
        ]
    }

    private func apply(_ request: Request, _ context: APIContext) async throws -> Response {
        let wait = try RolloutWait(request)
        let bundle = try Bundle(json: try await request.json(limit: BodyLimit.bundle))
        let outcome = try await control.apply(bundle, try request.writeContext(context))
        let rollout = try await wait.rollout(of: outcome.revision, in: control, for: context.authority)
        var headers = rollout.headers
        headers[.turnpikeRevision] = "\(outcome.revision)"
        return .json(
            .object(
                JSONObject([
                    "revision": .integer(outcome.revision), "changes": .array(outcome.changes.map(\.json)),
                    "unchanged": .integer(Int64(outcome.unchanged)), "rollout": rollout.json,
                ])),
            headers: headers
        )
    }
}

extension ApplyOutcome.Entry {
    fileprivate var json: JSON {
        var object = JSONObject([
            "kind": .string(key.kind.rawValue), "tenant": key.tenant.map { .string($0) }, "name": .string(key.name),
            "effect": .string(effect.rawValue),
        ])
        if let secret, let field = key.kind.spec.credential?.field { object[field] = .string(secret) }
        return .object(object)
    }
}
