// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// What one worker's stream has sent and still owes. The publisher holds it; waking callers is the publisher's too.
struct StreamState: Sendable {
    /// Frames given out at once.
    static let chunk = 1000
    /// Ticks of silence after which a heartbeat is owed.
    static let ticksToHeartbeat = Int(Frame.heartbeatInterval / Publisher.tickInterval)

    /// Tells this stream from earlier ones of the same worker.
    let serial: UInt64
    let openedAt = ContinuousClock.now
    /// The revision that the worker has when it has taken everything sent; `nil`: it needs a snapshot.
    private(set) var sent: Revision?
    /// The newest revision that the worker refused: nothing is sent again until something newer is there.
    private var refused: Revision?
    private var transfer: Transfer?
    /// The worker refused something while a transfer was under way: from where to go on once that is done.
    private var rewind: Revision??
    private(set) var isRevoked = false
    /// Asked and not sent yet, at most ``mostProbes``: who asks more often than the worker reads gets no answer.
    private var probes: [Probe] = []
    private var owesHeartbeat = true
    private var silentTicks = 0
    var caller: CheckedContinuation<Void, Never>?

    init(serial: UInt64, from revision: Revision?) {
        self.serial = serial
        sent = revision
    }

    /// Whether `next` would give frames, with `effective` the last revision that changed anything compiled.
    func hasNews(effective: Revision) -> Bool {
        isRevoked || transfer != nil || owesHeartbeat || !probes.isEmpty || needsDelta(effective: effective)
    }

    /// Whether a delta must be begun before `next`.
    func needsDelta(effective: Revision) -> Bool {
        guard transfer == nil, !isRevoked else { return false }
        if let refused, effective <= refused { return false }
        return sent.map { effective > $0 } ?? true
    }

    /// Whether all that is to be said has been given out.
    func isCaughtUp(effective: Revision) -> Bool { transfer == nil && !isRevoked && !needsDelta(effective: effective) }

    mutating func begin(_ transfer: Transfer) { self.transfer = transfer }

    /// The next frames; `nil` where there is nothing to say.
    mutating func next(revision: Revision) -> [Frame]? {
        if isRevoked { return [.revoked] }
        if !probes.isEmpty {
            defer { probes = [] }
            return probes.map { .probe($0) }
        }
        guard transfer != nil || owesHeartbeat else { return nil }
        owesHeartbeat = false
        silentTicks = 0
        guard let piece = transfer?.nextFrames(limit: Self.chunk) else { return [.heartbeat(revision)] }
        if piece.isComplete, let end = transfer?.revision {
            sent = rewind ?? end
            rewind = nil
            transfer = nil
        }
        return piece.frames
    }

    /// The worker refused a revision and still serves by `applied`. The next delta leads on from there, whatever base
    /// the worker has kept: it names all that changed since, so it heals either.
    mutating func refuse(_ revision: Revision, servingBy applied: Revision?) {
        refused = max(refused ?? revision, revision)
        if transfer == nil { sent = applied } else { rewind = .some(applied) }
    }

    /// Probes that one stream holds.
    static let mostProbes = 16

    mutating func ask(_ probe: Probe) {
        if probes.count < Self.mostProbes { probes.append(probe) }
    }

    mutating func revoke() { isRevoked = true }

    /// Counts the time in which nothing was sent.
    mutating func tick() {
        silentTicks += 1
        if silentTicks >= Self.ticksToHeartbeat { owesHeartbeat = true }
    }
}
