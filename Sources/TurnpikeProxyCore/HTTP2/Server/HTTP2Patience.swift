// SPDX-License-Identifier: Apache-2.0

/// How much of what costs a server more than its client a connection may ask for. Whoever asks for more is attacking, or broken.
struct HTTP2Patience {
    /// Streams that come to nothing: taken back within their exchange, malformed, or one too many (CVE-2023-44487).
    private static let wastedStreams = GCRA(limit: 200, interval: 30_000_000_000, burst: 200)
    /// Frames that move nothing: settings, pings, priorities, empty pieces of content, frames for streams that are over, and
    /// frames that nobody knows (CVE-2019-9511 to -9518). Clients that measure the line by pings send some a second.
    private static let idleFrames = GCRA(limit: 100, interval: 1_000_000_000, burst: 1000)
    /// Window updates: one for each frame of content, or nearly so, is what some clients send.
    private static let freeWindowUpdates = 10_000
    /// Frames in which a head may come.
    static let framesOfHead = 16

    private var wasted = GCRA.Arrival()
    private var idle = GCRA.Arrival()
    private var windowUpdates = 0

    mutating func wasteStream(now: UInt64) throws(HTTP2ErrorCode) { try Self.take(&wasted, Self.wastedStreams, now) }

    mutating func idleFrame(now: UInt64) throws(HTTP2ErrorCode) { try Self.take(&idle, Self.idleFrames, now) }

    /// A window was told to grow.
    mutating func windowUpdate() throws(HTTP2ErrorCode) {
        windowUpdates += 1
        if windowUpdates > Self.freeWindowUpdates { throw .enhanceYourCalm }
    }

    /// A client may tell of windows with each request, though its answer may turn out to be without content.
    mutating func streamBegan() { windowUpdates = max(windowUpdates - 2, 0) }

    /// So many bytes of an answer were sent, which a client may well tell that it has taken.
    mutating func sent(_ bytes: Int) { windowUpdates = max(windowUpdates - 2 - bytes / 512, 0) }

    private static func take(_ arrival: inout GCRA.Arrival, _ rate: GCRA, _ now: UInt64) throws(HTTP2ErrorCode) {
        guard case .allowed(let next) = rate.decide(arrival, now: now) else { throw .enhanceYourCalm }
        arrival = next
    }
}
