// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import TurnpikeControl
import TurnpikeModel

/// Many writes as one revision or none.
struct ApplyEndpoints {
    let control: ControlPlane
    let yaml: YAMLQueue?

    var all: [Endpoint] {
        [
            Endpoint(.post, "/v1/apply", .writers, parameters: ["dryRun", "wait", "timeout"]) {
                try await apply($0, $1)
            },
            Endpoint(.get, "/v1/export", .operators, parameters: ["tenant", "kinds", "label", "minRevision"]) {
                try await export($0, $1)
            },
        ]
    }

    private func apply(_ request: Request, _ context: APIContext) async throws -> Response {
        let wait = try RolloutWait(request)
        let limit = min(BodyLimit.bundle, control.bundleBytes(for: try context.authority) ?? .max)
        let body = try await request.json(limit: limit, yaml: yaml, largeWork: control.largeWork)
        let items = body["resources"]?.array?.count ?? 0
        let bundle = try await control.largeWork.run(if: items > Self.smallBundle) { () throws(TurnpikeError) in
            try Bundle(json: body)
        }
        let outcome = try await control.apply(bundle, try request.writeContext(context, body: body))
        return try await .outcome(outcome, wait, control, context)
    }

    /// Items of a bundle that is read where it arrives.
    static let smallBundle = 100

    /// A bundle, written resource by resource: it may be large.
    private func export(_ request: Request, _ context: APIContext) async throws -> Response {
        let names = request.parameter("kinds")?.split(separator: ",").map(String.init)
        let kinds = try names.map { names throws(TurnpikeError) in
            try names.map { name throws(TurnpikeError) in
                guard let kind = Kind(plural: name) ?? Kind(rawValue: name) else {
                    throw TurnpikeError(.invalidParameter, "There is no kind '\(name)'.")
                }
                return kind
            }
        }
        let (resources, revision) = try await control.export(
            tenant: request.parameter("tenant"), kinds: kinds.map { Set($0) }, labels: try request.labels(),
            for: context.authority)
        return Response(
            status: .ok, headers: [.contentType: "application/json", .turnpikeRevision: "\(revision)"],
            body: ResponseBody { writer in
                var buffer = ByteBuffer(string: #"{"resources":["#)
                for (index, resource) in resources.enumerated() {
                    buffer.writeString((index == 0 ? "\n" : ",\n") + resource.bundleItem.text)
                    if buffer.readableBytes > 1 << 16 {
                        try await writer.write(buffer)
                        buffer.clear()
                        // A client that reads as fast as this writes would keep the thread from all others.
                        await Task.yield()
                    }
                }
                buffer.writeString("\n]}\n")
                try await writer.write(buffer)
                try await writer.finish(nil)
            })
    }
}

extension Response {
    /// What many writes came to.
    static func outcome(
        _ outcome: ApplyOutcome, _ wait: RolloutWait, _ control: ControlPlane, _ context: APIContext
    ) async throws -> Response {
        let rollout = try await wait.rollout(of: outcome.revision, in: control, for: context.authority)
        var headers = rollout.headers
        headers[.turnpikeRevision] = "\(outcome.revision)"
        if outcome.isReplay { headers[.idempotencyReplayed] = "true" }
        let complete = headers
        return await control.largeWork.finish(if: outcome.changes.count > ApplyEndpoints.smallBundle) {
            .json(
                .object(
                    JSONObject([
                        "revision": .integer(outcome.revision), "changes": .array(outcome.changes.map(\.json)),
                        "unchanged": .integer(Int64(outcome.unchanged)),
                        "workers": outcome.workers.isEmpty ? nil : .array(outcome.workers.map { .string($0.name) }),
                        "warnings": outcome.gaps.isEmpty ? nil : .array(outcome.gaps.map(\.json)),
                        "rollout": rollout.json,
                    ])),
                headers: complete
            )
        }
    }
}

extension ApplyOutcome.Entry {
    fileprivate var json: JSON {
        var object = JSONObject([
            "kind": .string(key.kind.rawValue), "tenant": key.tenant.map { .string($0) }, "name": .string(key.name),
            "effect": .string(effect.rawValue),
            "fields": differences.isEmpty ? nil : .array(differences.map(\.json)),
        ])
        if let secret, let field = key.kind.spec.credential?.field { object[field] = .string(secret) }
        return .object(object)
    }
}

extension JSONDifference {
    fileprivate var json: JSON {
        .object(JSONObject(["pointer": .string(pointer.description), "before": before, "after": after]))
    }
}
