// SPDX-License-Identifier: Apache-2.0

import Logging
public import TurnpikeModel
import TurnpikeTelemetry

extension ControlPlane {
    /// How often ``maintain()`` runs while the control plane does.
    static let maintenanceInterval = Duration.seconds(60)

    /// Lets go of what has been kept long enough: replies to repeatable writes, and the log beyond its retention. Notes
    /// when operators used their tokens and workers were seen. What fails is tried again the next time.
    public func maintain() async {
        do {
            try await store.forgetReplies(before: clock.now.advanced(by: .zero - IdempotencyKey.lifetime))
            await noteCredentialUses()
            await noteSightings()
            guard let retention else { return }
            let start = clock.now.advanced(by: .zero - retention)
            var forgotten = 0
            // Where it ends in between, the rest goes the next time.
            while !Task.isCancelled, case let count = try await store.forgetRecords(before: start), count > 0 {
                forgotten += count
            }
            if forgotten > 0 {
                logger.info("Old entries of the log are forgotten", metadata: [LogKey.count: "\(forgotten)"])
            }
        } catch {
            logger.error("Maintenance failed; it is tried again", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Makes it durable when operators used their tokens. What cannot be saved is kept for the next time.
    func noteCredentialUses() async {
        let uses = credentialUses.unsaved
        do {
            try await store.noteUse(uses)
            credentialUses.noteSaved(uses)
        } catch {
            logger.error("Uses of credentials could not be noted", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Makes it durable how workers were last seen. What cannot be saved is kept for the next time.
    func noteSightings() async {
        let sightings = publisher.unsavedSightings
        do {
            try await store.noteSightings(sightings)
            publisher.noteSaved(sightings)
        } catch {
            logger.error("Sightings of workers could not be noted", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Looks whether the storage works again, where something has failed: who heeds `obstacles` sends nothing any more by
    /// which it would be noticed.
    func probeStorage() async {
        guard !health.reasons.isEmpty else { return }
        do {
            try await store.tryWriting()
            health.noteRecovery()
            logger.info("The storage works again")
        } catch {
            logger.debug("The storage still fails", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// When an operator last used its token; `nil` where it never has.
    public func lastUse(of operator: ResourceID) -> Timestamp? { credentialUses[`operator`] }
}
