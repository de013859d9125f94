// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeSnapshot

/// The worker's identity on disk and in memory. The file is readable by its owner only and is replaced as a whole, so
/// that a credential is either stored or not.
///
/// Safe from any thread; ``adopt(_:)`` blocks.
final class WorkerIdentityStore: Sendable {
    private let file: String
    private let identity: Mutex<WorkerIdentity?>

    /// Reads the identity, where the worker has one.
    ///
    /// - Throws: ``FileFailure``, or ``DamagedIdentity`` where the file makes no sense. That is an error rather than a
    ///   reason to join again: a new identity would leave usage of the old one behind.
    init(file: String) throws {
        self.file = file
        let bytes = try DurableFile.read(file, limit: 1 << 16)
        do {
            identity = Mutex(try bytes.map { try WorkerIdentity(json: JSON.parse($0)) })
        } catch {
            throw DamagedIdentity(file: file)
        }
    }

    /// What the worker is known by now; `nil` before it has joined.
    var current: WorkerIdentity? { identity.withLock { $0 } }

    /// Stores the identity, and uses it only then: whatever happens in between, the worker has a credential that is
    /// good, since the control plane accepts the old one until the new one has been used for a while.
    func adopt(_ new: WorkerIdentity) throws {
        try DurableFile.replace(file, with: new.json.utf8)
        identity.withLock { $0 = new }
    }
}

extension WorkerKey {
    /// The key in a file, or a new one where there is no file. It is stored before it is used, readable by its owner only.
    ///
    /// - Throws: ``FileFailure``, or ``DamagedIdentity`` where the file holds no key.
    init(file: String) throws {
        guard let bytes = try DurableFile.read(file, limit: 1 << 14) else {
            self.init()
            try DurableFile.replace(file, with: Array(try pem().utf8))
            return
        }
        do { try self.init(pem: String(decoding: bytes, as: UTF8.self)) } catch { throw DamagedIdentity(file: file) }
    }
}

struct DamagedIdentity: Error, CustomStringConvertible {
    var file: String
    // The file holds a credential, so nothing of what is in it is told.
    var description: String {
        "\(file) is not a worker's identity; restore it, or remove it to join as a new worker with a join token"
    }
}

extension WorkerIdentity {
    /// The id that journals are marked with.
    var resourceID: ResourceID? { ResourceID(text: id, prefix: Kind.worker.idPrefix) }

    /// When to ask for the next credential: at half of this one's lifetime.
    var renewal: Timestamp {
        let lifetime = max(0, expiresAt.milliseconds - issuedAt.milliseconds)
        return Timestamp(milliseconds: issuedAt.milliseconds + lifetime / 2)
    }
}
