// SPDX-License-Identifier: Apache-2.0

import Synchronization
public import TurnpikeControl
public import TurnpikeModel

/// A clock that stands still until a test moves it. Safe from any thread.
public final class ManualWallClock: WallClock {
    private let time: Mutex<Timestamp>

    /// - Parameter start: default 2026-03-01T12:00:00Z.
    public init(_ start: Timestamp = Timestamp(seconds: 1_772_366_400)) { time = Mutex(start) }

    public var now: Timestamp { time.withLock(\.self) }

    public func advance(by duration: Duration) {
        time.withLock { $0 = $0.advanced(by: duration) }
    }

    public func set(_ instant: Timestamp) {
        time.withLock { $0 = instant }
    }
}
