// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension Draft {
    /// Faults a certificate that nobody has seen before and that could not be shown.
    func check(_ certificate: Certificate, at pointer: JSONPointer?) {
        if certificate.privateKey == nil {
            fault("privateKey", .required, "'privateKey' is required.", at: pointer)
        }
        checkEnd(of: certificate, at: pointer)
    }

    /// A body without a key keeps the one that is there, as documents that clients have read say nothing of it.
    func keepingKey(of old: Certificate, in new: Certificate, at pointer: JSONPointer?) -> Certificate {
        // What has ended meanwhile may be written back as it is.
        if new.chain != old.chain { checkEnd(of: new, at: pointer) }
        guard new.privateKey == nil else { return new }
        guard new.facts.keyFingerprint == old.facts.keyFingerprint else {
            fault(
                "privateKey", .required,
                "'privateKey' is required: the certificate has another key than the one before.",
                at: pointer)
            return new
        }
        var kept = new
        kept.privateKey = old.privateKey
        return kept
    }

    private func checkEnd(of certificate: Certificate, at pointer: JSONPointer?) {
        guard let end = certificate.facts.notAfter, end <= now else { return }
        fault("chain", .range, "Its first certificate ended at \(end).", at: pointer)
    }

    private func fault(_ field: String, _ rule: Fault.Rule, _ detail: String, at pointer: JSONPointer?) {
        problems.append(Problem(.invalidResource, at: (pointer ?? JSONPointer()).appending(field), rule, detail))
    }
}
