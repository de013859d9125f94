// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import TurnpikeModel

/// How far a revision has come, as the control plane tells it.
struct Rollout: Sendable {
    enum State: String { case complete, pending, rejected }

    let revision: Revision
    let state: State
    let document: JSON

    private init(_ document: JSON, of revision: Revision) throws(CommandFailure) {
        guard let state = document["state"]?.string.flatMap(State.init(rawValue:)) else {
            throw .failed("The control plane's answer says nothing about revision \(revision).")
        }
        self.revision = revision
        self.state = state
        self.document = document
    }

    init(of revision: Revision, from api: APIClient) async throws(CommandFailure) {
        let target = Target("revisions", "\(revision)", "rollout")
        try self.init(await api.send(.GET, target).body, of: revision)
    }

    /// Waits until no worker is pending, or the time is over.
    static func awaited(
        _ revision: Revision, from api: APIClient, timeout: Duration
    ) async throws(CommandFailure) -> Rollout {
        let deadline = ContinuousClock.now + timeout
        while true {
            let left = max(.zero, deadline - .now)
            let patience = min(left, .seconds(30))
            let query = [(name: "wait", value: "applied"), (name: "timeout", value: "\(patience.inMilliseconds)ms")]
            let target = Target("revisions", "\(revision)", "rollout", query: query)
            let answer = try await api.send(.GET, target, timeout: patience + .seconds(30))
            let rollout = try Rollout(answer.body, of: revision)
            if rollout.state != .pending || deadline <= .now { return rollout }
        }
    }

    /// The workers in each state.
    func workers(_ state: String) -> [JSON] { document[state]?.array ?? [] }

    var table: Table {
        var rows: [[String]] = []
        for state in ["applied", "pending", "rejected"] {
            rows += workers(state).map { worker in
                [
                    worker["name"]?.string ?? worker["id"]?.string ?? "", state,
                    Table.cell(worker["appliedRevision"]), Rollout.reasons(of: worker),
                ]
            }
        }
        let columns = [
            Table.Column(title: "worker"), Table.Column(title: "state"),
            Table.Column(title: "serves by", alignment: .right), Table.Column(title: "reason"),
        ]
        return Table(columns, rows: rows, note: "Revision \(revision) is \(state.rawValue).")
    }
}

extension Rollout {
    /// Why a worker refuses a revision, one sentence after the other.
    static func reasons(of worker: JSON) -> String {
        (worker["rejection"]?["reasons"]?.array ?? []).map { reason in
            "\(reason["resource"]?.string ?? ""): \(reason["detail"]?.string ?? "")"
        }.joined(separator: " ")
    }
}
