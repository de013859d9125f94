// SPDX-License-Identifier: Apache-2.0

public import TurnpikeSnapshot

/// Who grants slices of quotas: the control plane, in practice.
public protocol LeaseSource: Sendable {
    /// Called off the event loop. An error means that nothing is known, and is tried again with a growing pause.
    func lease(_ wants: [LeaseRequest.Want]) async throws -> [LeaseGrant]
}
