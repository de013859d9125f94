// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
public import TurnpikeSnapshot

/// What is kept of the reply to a write with an idempotency key. The write's changes are in the log; this is the rest,
/// sealed with what only the client has, since new credentials are among it.
public struct StoredReply: Sendable, Hashable {
    /// Of who asked, and the key that it gave.
    public var id: KeyDigest
    /// Of what was asked for.
    public var fingerprint: KeyDigest
    public var at: Timestamp
    /// The write's.
    public var revision: Revision
    public var sealed: [UInt8]

    public init(id: KeyDigest, fingerprint: KeyDigest, at: Timestamp, revision: Revision, sealed: [UInt8]) {
        self.id = id
        self.fingerprint = fingerprint
        self.at = at
        self.revision = revision
        self.sealed = sealed
    }
}
