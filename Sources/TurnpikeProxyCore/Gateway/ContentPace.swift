// SPDX-License-Identifier: Apache-2.0

/// How much longer a client may take for its request's content, before it is answered.
///
/// Waiting for content uses patience up, and content earns it back at ``GatewayLimits/bodyRate``, up to
/// ``GatewayLimits/bodyTimeout``. So a pause may be as long as that, and who sends less than the rate for good runs out of it,
/// however often a byte comes: a connection to an upstream is held for nothing no longer than a silent client could hold it. Only
/// time counts in which the gateway would have read.
struct ContentPace {
    /// Nanoseconds that were left when the wait under way began.
    private var patience: UInt64
    /// When that was; nil where content is not waited for.
    private var since: UInt64?
    /// The content is messages of gRPC's, of which a stream that is well may send a small one now and then.
    var isGRPC = false

    init(patience: UInt64 = 0) { self.patience = patience }

    /// Waits for content, or waits on.
    ///
    /// - Returns: when patience ends.
    mutating func wait(now: UInt64) -> UInt64 {
        let start = since ?? now
        since = start
        return start.addingClamped(patience)
    }

    /// Content is not read for now: what was waited so far counts, what comes does not.
    mutating func pause(now: UInt64) {
        guard let since else { return }
        patience -= min(patience, now - since)
        self.since = nil
    }

    /// Content is read anew, of another try: what was waited for it before counts no longer.
    mutating func restart() { since = nil }

    /// - Parameters:
    ///   - count: bytes of content that came, of one event.
    ///   - rate: bytes a second that uphold patience; 0: any do.
    ///   - most: nanoseconds beyond which none is earned.
    mutating func received(_ count: Int, rate: UInt64, most: UInt64, now: UInt64) {
        pause(now: now)
        guard rate > 0 else {
            patience = most
            return
        }
        patience = min(patience.addingClamped(UInt64(count) * 1_000_000_000 / rate), most)
    }
}
