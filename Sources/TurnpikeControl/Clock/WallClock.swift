// SPDX-License-Identifier: Apache-2.0

import Foundation
public import TurnpikeModel

/// Where the control plane reads the time of day, so that tests can set it.
public protocol WallClock: Sendable {
    var now: Timestamp { get }
}

/// The machine's clock.
public struct SystemWallClock: WallClock {
    public init() {}

    public var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
}
