// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeMetering
import TurnpikeProxy
import TurnpikeSnapshot

/// Asks the control plane for slices of quotas, quickly or not at all: a request may be waiting, and whoever asks
/// asks again.
struct LeaseClient: LeaseSource {
    let client: ControlPlaneClient
    let epoch: Epoch

    /// - Throws: ``ControlPlaneFailure``, after two seconds at the latest.
    func lease(_ wants: [LeaseRequest.Want]) async throws -> [LeaseGrant] {
        var grants: [LeaseGrant] = []
        var rest = wants[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(LeaseRequest.maximumWants))
            rest = rest.dropFirst(part.count)
            grants += try await client.lease(LeaseRequest(epoch: epoch, wants: part), within: .seconds(2))
        }
        return grants
    }
}
