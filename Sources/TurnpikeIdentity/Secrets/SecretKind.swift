// SPDX-License-Identifier: Apache-2.0

/// What a secret is good for. Its raw value is the prefix that the secret starts with, without the `_` that follows,
/// so that people, logs and secret scanners see what they have before them.
public enum SecretKind: String, Sendable, Hashable, CaseIterable {
    /// A partner's key for the gateway.
    case apiKey = "tp_live"
    /// An operator's or partner's token for the REST API.
    case operatorToken = "tp_op"
    /// What a new worker shows once to be taken in.
    case joinToken = "tp_join"
    /// What a worker shows from then on; it rotates.
    case workerCredential = "tp_wrk"

    /// The length in bytes of every secret of this kind.
    public var length: Int {
        rawValue.utf8.count + 1 + Secret.randomLength + Secret.checksumLength
    }
}
