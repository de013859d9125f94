// SPDX-License-Identifier: Apache-2.0

import TurnpikeSnapshot

/// What serves by a configuration.
protocol ConfigurationSink: Sendable {
    /// Takes the configuration over as a whole, or leaves everything as it is.
    ///
    /// - Returns: why it cannot be served; nothing where it is served from now on.
    func take(_ snapshot: Snapshot) async -> [Acknowledgement.Reason]
}
