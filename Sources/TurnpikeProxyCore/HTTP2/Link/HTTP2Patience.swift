// SPDX-License-Identifier: Apache-2.0

/// How much of what costs this side of a connection more than the other one may be asked for. Whoever asks for more is attacking,
/// or broken.
public struct HTTP2Patience {
    /// Streams that come to nothing: taken back within their exchange, malformed, or one too many (CVE-2023-44487).
    public static let wastedStreams = GCRA(limit: 200, interval: 30_000_000_000, burst: 200)
    /// Frames that move nothing: settings, pings, priorities, empty pieces of content, frames for streams that are over, and
    /// frames that nobody knows (CVE-2019-9511 to -9518). Clients that measure the line by pings send some a second.
    private static let idleFramesOfClients = GCRA(limit: 100, interval: 1_000_000_000, burst: 1000)
    /// The same of an upstream, which measures the line as often as it likes, and cannot know at once that nobody waits for an
    /// answer any more: what it sends until then may be in frames of a few bytes.
    private static let idleFramesOfServers = GCRA(limit: 1000, interval: 1_000_000_000, burst: 20_000)
    /// Window updates: one for each frame of content, or nearly so, is what some clients send.
    private static let freeWindowUpdates = 10_000
    /// Answers to settings and pings that the other side does not take.
    private static let heldAnswers = 1000
    /// Frames in which a head may come.
    static let framesOfHead = 16

    private let idleFrames: GCRA
    private var wasted = GCRA.Arrival()
    private var idle = GCRA.Arrival()
    private var windowUpdates = 0
    private var held = 0

    /// - Parameter side: whose frames they are.
    init(of side: HTTP2Side) { idleFrames = side == .client ? Self.idleFramesOfClients : Self.idleFramesOfServers }

    mutating func wasteStream(now: UInt64) throws(HTTP2ErrorCode) { try Self.take(&wasted, Self.wastedStreams, now) }

    mutating func idleFrame(now: UInt64) throws(HTTP2ErrorCode) { try Self.take(&idle, idleFrames, now) }

    /// Something asks for an answer, which may not find room.
    mutating func answer(findsRoom: Bool) throws(HTTP2ErrorCode) {
        held = findsRoom ? 0 : held + 1
        if held > Self.heldAnswers { throw .enhanceYourCalm }
    }

    /// A window was told to grow.
    mutating func windowUpdate() throws(HTTP2ErrorCode) {
        windowUpdates += 1
        if windowUpdates > Self.freeWindowUpdates { throw .enhanceYourCalm }
    }

    /// Windows may be told of with each request, though content may turn out not to follow.
    mutating func streamBegan() { windowUpdates = max(windowUpdates - 2, 0) }

    /// So many bytes of content were sent, which the other side may well tell that it has taken.
    mutating func sent(_ bytes: Int) { windowUpdates = max(windowUpdates - 2 - bytes / 512, 0) }

    private static func take(_ arrival: inout GCRA.Arrival, _ rate: GCRA, _ now: UInt64) throws(HTTP2ErrorCode) {
        guard case .allowed(let next) = rate.decide(arrival, now: now) else { throw .enhanceYourCalm }
        arrival = next
    }
}
