// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Follows the log for as long as the process lives, over whatever happens to the connection: it goes on after the last
/// revision that came, so that none is missing and none comes twice.
struct ChangeFollowing {
    let api: APIClient
    /// What the log is narrowed to.
    let scope: AuditCommand.Scope
    /// Called each time that the connection broke, or could not be made again; without a failure where the control plane ended it.
    let noteBreak: (CommandFailure?) -> Void

    /// - Throws: what the control plane refuses, and where the first connection fails, that. It ends no other way but by
    ///   cancellation.
    func run(_ each: (JSON) -> Void) async throws {
        var scope = scope
        var pause = ReconnectPause()
        var isFollowing = false
        while true {
            var failure: CommandFailure?
            do throws(CommandFailure) {
                let query = scope.query + [(name: "watch", value: "true")]
                try await api.lines(Target("changes", query: query)) { entry throws(CommandFailure) in
                    isFollowing = true
                    pause.reset()
                    scope.since = entry["revision"]?.integer ?? scope.since
                    if entry["heartbeat"] == nil { each(entry) }
                }
            } catch {
                guard isFollowing, error.isPassing else { throw error }
                failure = error
            }
            noteBreak(failure)
            var random = SystemRandomNumberGenerator()
            try await Task.sleep(for: pause.take(using: &random))
        }
    }
}

extension CommandFailure {
    /// Whether the same request may go well in a while: the control plane is away, starts, or has too much to do.
    var isPassing: Bool {
        switch self {
        case .unreachable: true
        case .refused(let problem): [429, 502, 503, 504].contains(problem.status)
        case .failed, .misused, .waitTimedOut: false
        }
    }
}
