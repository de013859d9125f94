// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension ApplyOutcome {
    /// Waits for the workers where that is asked for, and prints what is left to tell: in JSON all of it, whatever becomes of
    /// the wait, for the outcome may hold secrets.
    func conclude(
        _ write: WriteOptions, _ form: OutputOptions.Form, by api: APIClient
    ) async throws(CommandFailure) {
        var document = document.object ?? JSONObject()
        defer { if form == .json { Terminal.standardOutput.write(JSON.object(document).prettyText) } }
        guard write.wait else { return }
        let start = ContinuousClock.now
        let rollout = try await Rollout.awaited(revision, from: api, timeout: write.timeout.duration)
        let time = ContinuousClock.now - start
        document["rollout"] = rollout.document
        document["waited"] = .string(time.text)
        if form == .table, rollout.state == .complete { report(rollout, after: time) }
        try rollout.requireComplete(within: write.timeout.duration)
    }

    private func report(_ rollout: Rollout, after time: Duration) {
        let count = rollout.workers("applied").count
        let workers = count == 1 ? "1 worker" : "\(count) workers"
        Terminal.standardOutput.write(
            count == 0
                ? "No worker is there to apply it.\n" : "Applied by \(workers) \(time.inMilliseconds) ms later.\n")
    }
}
