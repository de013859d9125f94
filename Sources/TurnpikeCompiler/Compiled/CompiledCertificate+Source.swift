// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

extension CompiledCertificate {
    /// `nil` for one that was not taken in as certificates are, with its key sealed; the log holds none.
    init?(_ resource: Resource, _ certificate: Certificate) {
        let facts = certificate.facts
        guard case .sealed(let key) = certificate.privateKey, let notBefore = facts.notBefore,
            let notAfter = facts.notAfter
        else { return nil }
        self.init(
            tenant: resource.key.tenant ?? "", name: resource.key.name, id: resource.id, names: facts.names,
            notBefore: notBefore, notAfter: notAfter, chain: certificate.chain, sealedKey: key)
    }
}
