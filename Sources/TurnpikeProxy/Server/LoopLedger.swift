// SPDX-License-Identifier: Apache-2.0

public import TurnpikeProxyCore

/// What one event loop accounts by, shared with no other: the two belong to one epoch.
public struct LoopLedger {
    /// Where usage is written down. Stays confined to the loop.
    public var recorder: any UsageRecorder
    /// Who grants slices of quotas.
    public var leases: any LeaseSource

    public init(recorder: any UsageRecorder, leases: any LeaseSource) {
        self.recorder = recorder
        self.leases = leases
    }
}
