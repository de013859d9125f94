// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeModel

/// When operators last used their tokens. Kept in memory request by request, and saved now and then: after a crash the
/// times may be a minute old.
final class CredentialUses: Sendable {
    private struct State {
        var uses: [ResourceID: Timestamp]
        var unsaved: Set<ResourceID> = []
    }

    private let state: Mutex<State>

    init(_ uses: [ResourceID: Timestamp]) { state = Mutex(State(uses: uses)) }

    subscript(id: ResourceID) -> Timestamp? { state.withLock { $0.uses[id] } }

    func note(_ id: ResourceID, at now: Timestamp) {
        state.withLock { state in
            state.uses[id] = now
            state.unsaved.insert(id)
        }
    }

    /// What has been noted and not been saved.
    var unsaved: [ResourceID: Timestamp] {
        state.withLock { state in state.uses.filter { state.unsaved.contains($0.key) } }
    }

    /// These uses are durable; later ones are not.
    func noteSaved(_ uses: [ResourceID: Timestamp]) {
        state.withLock { state in
            for (id, at) in uses where state.uses[id] == at { state.unsaved.remove(id) }
        }
    }
}
