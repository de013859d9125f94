// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeMetering
import TurnpikeProxy
import TurnpikeSnapshot
import TurnpikeTelemetry

/// Asks the control plane for slices of quotas, quickly or not at all: a request may be waiting, and whoever asks
/// asks again.
struct LeaseClient: LeaseSource {
    let client: ControlPlaneClient
    let epoch: Epoch
    private let roundTrip: Histogram

    init(client: ControlPlaneClient, epoch: Epoch, metrics: MetricsRegistry) {
        self.client = client
        self.epoch = epoch
        roundTrip = metrics.histogram(
            .leaseRoundTrip, help: "Time from asking the control plane for leases to its answer, or to giving up.")
    }

    /// - Throws: ``ControlPlaneFailure``, after two seconds at the latest.
    func lease(_ wants: [LeaseRequest.Want]) async throws -> [LeaseGrant] {
        var grants: [LeaseGrant] = []
        var rest = wants[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(LeaseRequest.maximumWants))
            rest = rest.dropFirst(part.count)
            let start = ContinuousClock.now
            defer { roundTrip.observe(ContinuousClock.now - start) }
            grants += try await client.lease(LeaseRequest(epoch: epoch, wants: part), within: .seconds(2))
        }
        return grants
    }
}
