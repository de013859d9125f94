// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

/// How a worker gets its identity, and keeps it good.
struct Enrolment: Sendable {
    let client: ControlPlaneClient
    let store: WorkerIdentityStore
    let registration: Registration
    var backOff = BackOff()
    let logger: Logger

    /// The identity on disk, or a new one in exchange for the join token. Waits for a control plane that is away.
    ///
    /// - Throws: ``EnrolmentFailure`` where there is neither, or where the control plane refuses the token.
    func identity(joinToken: String?) async throws -> WorkerIdentity {
        if let identity = store.current { return identity }
        guard let joinToken else { throw EnrolmentFailure.noJoinToken }
        let identity = try await join(with: joinToken)
        guard identity.resourceID != nil else { throw EnrolmentFailure.unusable(identity.id) }
        try store.adopt(identity)
        logger.info(
            "The worker has joined.",
            metadata: [LogKey.worker: "\(identity.id)", LogKey.name: "\(identity.name)"]
        )
        return identity
    }

    /// Renews the credential at each half of its lifetime, until the task is cancelled. A control plane that refuses
    /// does not stop the worker: it goes on serving, and this goes on asking.
    func renew(now: @Sendable () -> Timestamp) async {
        // One that joined before the control plane had a CA asks once for a certificate, without waiting.
        var isDue = client.tls.takesCertificates && store.current?.certificate == nil
        while let identity = store.current {
            do {
                let wait = isDue ? .zero : max(.seconds(1), now().duration(to: identity.renewal))
                // A wall clock that is set must not put the renewal off for long.
                try await Task.sleep(for: min(wait, .seconds(60)))
                guard isDue || now() >= identity.renewal else { continue }
                try store.adopt(try await client.renewCredential(of: identity))
                isDue = false
                logger.info("The worker's credential is renewed.")
            } catch is CancellationError {
                return
            } catch {
                if Task.isCancelled { return }
                logger.warning(
                    "The worker's credential cannot be renewed yet.",
                    metadata: [LogKey.error: "\(error)", "expiresAt": "\(identity.expiresAt)"]
                )
                if (try? await Task.sleep(for: .seconds(Int.random(in: 5...15)))) == nil { return }
            }
        }
    }

    private func join(with token: String) async throws -> WorkerIdentity {
        var backOff = backOff
        var random = SystemRandomNumberGenerator()
        while true {
            do {
                return try await client.join(registration, token: token)
            } catch let failure as ControlPlaneFailure where failure.isFinal {
                throw EnrolmentFailure.refused(failure)
            } catch {
                try Task.checkCancellation()
                if backOff.attempts == 0 {
                    logger.warning("The worker cannot join yet.", metadata: [LogKey.error: "\(error)"])
                }
            }
            try await Task.sleep(for: backOff.next(using: &random))
        }
    }
}

enum EnrolmentFailure: Error, CustomStringConvertible {
    case noJoinToken
    case refused(ControlPlaneFailure)
    case unusable(String)

    var description: String {
        switch self {
        case .noJoinToken: "the worker has no identity yet: give it a join token"
        case .refused(let failure): "the control plane does not let the worker join: \(failure)"
        case .unusable(let id): "the control plane gave the worker an id that is none: \(id)"
        }
    }
}
