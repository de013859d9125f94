// SPDX-License-Identifier: Apache-2.0

import TurnpikeIdentity
import TurnpikeModel

/// A certificate of an authority that nobody knows, good for 90 days.
struct TestCertificate {
    var chain: String
    var key: String

    init(_ names: String..., at now: Timestamp) throws {
        let issued = try CertificateAuthority(now: now).issueServer(names: names, now: now)
        (chain, key) = (issued.certificatePEM, issued.privateKeyPEM)
    }

    /// What a client writes.
    var body: JSON { ["chain": .string(chain), "privateKey": .string(key)] }
    /// The same without its key.
    var keyless: JSON { ["chain": .string(chain)] }
}
