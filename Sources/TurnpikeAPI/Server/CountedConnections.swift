// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import TurnpikeTelemetry

/// Takes connections up to a bound, and tells how many there are. Those beyond it wait in the kernel until others have gone.
struct CountedConnections: AvailableConnectionsDelegate {
    private let most: Int
    private let open: Gauge
    private var count = 0

    init(most: Int, _ metrics: MetricsRegistry) {
        self.most = most
        open = metrics.gauge(.apiConnections, help: "Connections that are open now.")
    }

    mutating func connectionOpened() {
        count += 1
        open.set(count)
    }

    mutating func connectionClosed() {
        count -= 1
        open.set(count)
    }

    func isAcceptingNewConnections() -> Bool { count < most }
}
