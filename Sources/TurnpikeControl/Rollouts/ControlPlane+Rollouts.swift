// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

extension ControlPlane {
    /// How far a revision has got by now.
    ///
    /// - Throws: `notFound` for a revision that is not there yet.
    public func rollout(of revision: Revision) throws(TurnpikeError) -> Rollout {
        try publisher.rollout(of: revision)
    }

    /// How far a revision has got once no worker is worth waiting for any more, or the time is over. Workers that have
    /// been away for more than 60 s are not waited for.
    public func rollout(of revision: Revision, timeout: Duration) async throws(TurnpikeError) -> Rollout {
        let rollout = try publisher.rollout(of: revision)
        guard rollout.state == .pending, timeout > .zero else { return rollout }
        await withTaskGroup(of: Void.self) { [publisher] group in
            group.addTask { await publisher.waitForRollout(of: revision) }
            group.addTask { try? await Task.sleep(for: timeout) }
            await group.next()
            group.cancelAll()
        }
        return try publisher.rollout(of: revision)
    }
}
