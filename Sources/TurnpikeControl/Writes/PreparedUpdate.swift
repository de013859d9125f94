// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// What an update comes to as long as the resource is the same when the write has its turn: found out before, away from the
/// committer, for whom little is left to do then. Of a thousand resources that takes as long as writing them.
struct PreparedUpdate: Sendable {
    let before: Resource
    /// With the body that is wanted, as yet of the old revision; `nil` where the resource says that already.
    let after: Resource?
    let keepsPlace: Bool
    let beforeDocument: String
    let beforeDigest: String
    let afterDraft: StoredDraft?

    /// - Parameter existing: of a kind in whose body the server writes nothing.
    init(of existing: Resource, labels: Labels, spec: any ResourceSpec) {
        var updated = existing
        updated.labels = labels
        updated.spec = spec
        before = existing
        guard !updated.saysTheSame(as: existing) else {
            (after, keepsPlace, beforeDocument, beforeDigest, afterDraft) = (nil, true, "", "", nil)
            return
        }
        after = updated
        keepsPlace = existing.isFound(as: updated)
        beforeDocument = existing.storedText
        beforeDigest = LogChain.digest(of: beforeDocument)
        afterDraft = updated.storedDraft
    }
}
