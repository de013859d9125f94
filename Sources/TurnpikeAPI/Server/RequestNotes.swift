// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeModel

/// What answering a request has found out that its middleware tells: contexts are copied on their way in, and nothing of
/// the copies comes back.
final class RequestNotes: Sendable {
    struct Content: Sendable {
        /// Who asks, as the audit names them; empty until that is known, and where nobody needs to say it.
        var actor = ""
        /// The tenant that the path names, or else the one that the token is bound to; empty where there is none.
        var tenant = ""
        /// What the answer has seen at least; `nil` until it has begun to look.
        var revision: Revision?
    }

    private let state = Mutex(Content())

    var content: Content { state.withLock { $0 } }

    func note(_ change: @Sendable (inout Content) -> Void) { state.withLock { change(&$0) } }
}
