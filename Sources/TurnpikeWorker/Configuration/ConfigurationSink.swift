// SPDX-License-Identifier: Apache-2.0

import TurnpikeSnapshot

/// What serves by a configuration.
protocol ConfigurationSink: Sendable {
    /// Takes a change over as a whole, or leaves everything as it is. Changes come one after the other.
    ///
    /// - Returns: why it cannot be served; nothing where it is served from now on.
    func take(_ delta: Delta) async -> [Acknowledgement.Reason]

    /// How much of rate limits is left, as the sink counts them itself.
    func answer(_ probe: Probe) async -> ProbeAnswer
}
