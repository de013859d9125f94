// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import TurnpikeControl
import TurnpikeModel

/// The log's entries and how far they have got.
struct RevisionEndpoints {
    let control: ControlPlane

    var all: [Endpoint] {
        [
            Endpoint(.get, "/v1/revisions/{revision}", .operators, parameters: ["minRevision"]) { _, context in
                .json(try await control.record(context.revisionParameter(), for: context.authority).json)
            },
            Endpoint(
                .get, "/v1/revisions/{revision}/rollout", .operators, parameters: ["wait", "timeout", "minRevision"]
            ) {
                request, context in
                let (revision, wait) = (try context.revisionParameter(), try RolloutWait(request))
                try await control.requireSight(of: revision, for: context.authority)
                if let json = try await wait.rollout(of: revision, in: control, for: context.authority).json {
                    return .json(json)
                }
                return .json(try control.rollout(of: revision, for: context.authority).json)
            },
            Endpoint(
                .post, "/v1/revisions/{revision}/revert", .writers, parameters: ["dryRun", "wait", "timeout"]
            ) { request, context in
                let wait = try RolloutWait(request)
                let revision = try context.revisionParameter()
                let outcome = try await control.revert(revision, try request.writeContext(context, body: nil))
                return try await .outcome(outcome, wait, control, context)
            },
        ]
    }
}

/// What `?wait=applied&timeout=…` asks for. Read before anything is written, so that a bad one changes nothing.
struct RolloutWait {
    /// `nil` where the client does not wait.
    private let timeout: Duration?

    /// - Throws: `invalidParameter`.
    init(_ request: Request) throws(TurnpikeError) {
        guard let timeout = Duration(text: request.parameter("timeout") ?? "5s"), timeout <= .seconds(60) else {
            throw TurnpikeError(.invalidParameter, "'timeout' must be a duration up to 60s, such as 5s.")
        }
        guard let wait = request.parameter("wait") else {
            self.timeout = nil
            return
        }
        guard wait == "applied" else { throw TurnpikeError(.invalidParameter, "'wait' must be 'applied'.") }
        guard try !request.flag("dryRun") else {
            throw TurnpikeError(.invalidParameter, "A dry run makes no revision that could be waited for.")
        }
        self.timeout = timeout
    }

    /// The rollout once nobody is pending or the time is over; nothing where the client does not wait.
    func rollout(
        of revision: Revision, in control: ControlPlane, for authority: Authority
    ) async throws(TurnpikeError) -> (json: JSON?, headers: HTTPFields) {
        guard let timeout else { return (nil, [:]) }
        let rollout = try await control.rollout(of: revision, timeout: timeout, for: authority)
        return (rollout.json, [.turnpikeRollout: rollout.state.rawValue])
    }
}
