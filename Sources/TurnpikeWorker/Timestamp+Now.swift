// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeTelemetry

extension Timestamp {
    /// What the system clock says.
    static var now: Timestamp { Timestamp(milliseconds: SystemTime.milliseconds) }
}
