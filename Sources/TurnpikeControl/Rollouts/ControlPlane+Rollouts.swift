// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

extension ControlPlane {
    /// How far a revision has got by now.
    ///
    /// - Throws: `notFound` for a revision that is not there yet.
    public func rollout(of revision: Revision, for authority: Authority) throws(TurnpikeError) -> Rollout {
        try publisher.rollout(of: revision).seen(by: authority)
    }

    /// How far a revision has got once no worker is worth waiting for any more, or the time is over. Workers that have
    /// been away for more than 60 s are not waited for.
    public func rollout(
        of revision: Revision, timeout: Duration, for authority: Authority
    ) async throws(TurnpikeError) -> Rollout {
        let rollout = try publisher.rollout(of: revision)
        guard rollout.state == .pending, timeout > .zero else { return rollout.seen(by: authority) }
        await withTaskGroup(of: Void.self) { [publisher] group in
            group.addTask { await publisher.waitForRollout(of: revision) }
            group.addTask { try? await Task.sleep(for: timeout) }
            await group.next()
            group.cancelAll()
        }
        return try publisher.rollout(of: revision).seen(by: authority)
    }
}

extension Rollout {
    /// Without the reasons of refusals that lie in tenants out of sight, and, for who sees one tenant only, without what
    /// workers said of themselves: they are the platform's, and their names and standing are enough to wait for them.
    fileprivate func seen(by authority: Authority) -> Rollout {
        var seen = self
        if authority.tenant != nil {
            for list in [\Rollout.applied, \.pending, \.rejected] {
                for place in seen[keyPath: list].indices { seen[keyPath: list][place].announcement = nil }
            }
        }
        for place in seen.rejected.indices {
            seen.rejected[place].rejection?.reasons.removeAll { !authority.sees(CollectionKey(of: $0.resource)) }
        }
        return seen
    }
}
