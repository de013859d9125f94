// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

extension CompiledKey {
    /// `nil` for a key that may not be used: one that is disabled, or was never issued. Whether a key has expired is
    /// for the worker's clock to say.
    init?(_ resource: Resource, _ key: APIKey, of tenant: ResourceID) {
        guard key.isEnabled, let digest = KeyDigest(hex: key.digest) else { return nil }
        self.init(
            tenant: resource.key.tenant ?? "", name: resource.key.name, id: resource.id, tenantID: tenant,
            digest: digest, expiresAt: key.expiresAt, routes: key.routes
        )
    }
}
