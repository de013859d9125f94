// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import CEpoll
import Synchronization
import TurnpikeProxyCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// An event loop on Linux's epoll, with a thread of its own.
///
/// A turn waits for events, reads the clock once, and then deals with what came: at most 256 events, one read for each, and
/// another where the peer has ended what it sends; what other threads wanted done; at most 256 timers; and what is done once for
/// all of these. So whoever sends much waits for the others.
final class EpollLoop: EngineLoop, @unchecked Sendable {
    // Invariant: `queue` and `thread` are safe from any thread. All else is touched by the loop's thread only, from `run()` to
    // its end; before it and after it, by whoever starts the thread, and by whoever releases the loop.

    struct Stopped: Error, CustomStringConvertible {
        var description: String { "the gateway's loop has stopped" }
    }

    private static let mostTimers = 256
    private static let receiveBytes = 64 << 10

    private enum Alarm {
        case owner(any TimerOwner)
        case work(() -> Void)
    }

    private let queue: TaskQueue
    private let thread = Atomic<UInt>(0)

    let selector: Selector
    /// What every read goes into: its bytes are good until the event is over.
    let receiveBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: receiveBytes, alignment: 64)
    /// What the present event sends to its client, and to its upstream.
    let toClient = Gather()
    let toUpstream = Gather()
    /// Made for the first connection over TLS.
    private(set) lazy var wire = TLSWire(arrivingBytes: Self.receiveBytes + ClientHello.mostBytes)
    let upstreams: UpstreamOptions
    private(set) lazy var http2Upstreams = EpollHTTP2Connector(loop: self)
    /// Nanoseconds of `CLOCK_MONOTONIC`, as of the beginning of this turn.
    private(set) var now: UInt64
    /// Called at the beginning of each turn.
    var turnBegan: (() -> Void)?
    /// In milliseconds.
    private var timers: TimerWheel<Alarm>
    /// Who has something to do at the end of this turn.
    private var turnEnds: [any TurnEndOwner] = []
    private var whenStopped: (() -> Void)?

    /// A loop that runs.
    ///
    static func start(upstreams: UpstreamOptions = UpstreamOptions()) throws(SystemFault) -> EpollLoop {
        let loop = try EpollLoop(upstreams)
        try LoopThread.run { loop.run() }
        return loop
    }

    private init(_ upstreams: UpstreamOptions) throws(SystemFault) {
        self.upstreams = upstreams
        queue = try TaskQueue()
        selector = try Selector()
        now = EpollLoop.clock()
        timers = TimerWheel(now: now / 1_000_000)
    }

    deinit { receiveBuffer.deallocate() }

    // MARK: - From any thread

    var isCurrent: Bool { thread.load(ordering: .relaxed) == LoopThread.current }

    func execute(_ body: @escaping @Sendable () -> Void) { _ = queue.add(body) }

    func submit<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let isTaken = queue.add { continuation.resume(with: Swift.Result { try body() }) }
            if !isTaken { continuation.resume(throwing: Stopped()) }
        }
    }

    /// Ends the thread, after what other threads have wanted done until now.
    func stop() async {
        await withCheckedContinuation { continuation in
            let isTaken = queue.add { [unowned self] in whenStopped = { continuation.resume() } }
            if !isTaken { continuation.resume() }
        }
    }

    // MARK: - Turns

    private func run() {
        thread.store(LoopThread.current, ordering: .relaxed)
        let wakeUp = WakeUp(queue)
        if selector.add(wakeUp, queue.signal, events: CEpollReadable) == nil { whenStopped = {} }
        while whenStopped == nil {
            let count = selector.wait(milliseconds: patience)
            now = EpollLoop.clock()
            turnBegan?()
            selector.deliver(count, goingFirst: true)
            selector.deliver(count, goingFirst: false)
            for work in wakeUp.takeWork() { work() }
            fireTimers()
            while let owner = turnEnds.popLast() { owner.turnEnded() }
        }
        for work in queue.close() { work() }
        turnBegan = nil
        http2Upstreams.shutDown()
        selector.removeAll()
        turnEnds = []
        timers = TimerWheel(now: 0)
        thread.store(0, ordering: .relaxed)
        whenStopped?()
    }

    /// Milliseconds until the next timer, as of the turn's beginning: timers may be late by what the turn took.
    private var patience: Int32 {
        guard let next = timers.next else { return -1 }
        let now = now / 1_000_000
        return next <= now ? 0 : Int32(clamping: next - now)
    }

    private static func clock() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Tells `owner`, once, when all that came in this turn is dealt with.
    func endTurn(with owner: any TurnEndOwner) { turnEnds.append(owner) }

    // MARK: - Time

    func schedule(at deadline: UInt64, _ body: @escaping () -> Void) { _ = add(.work(body), at: deadline) }

    /// Tells `owner` once `deadline` has come.
    func setTimer(for owner: any TimerOwner, at deadline: UInt64) -> TimerID { add(.owner(owner), at: deadline) }

    /// - Precondition: the timer was neither cancelled nor told of.
    func cancel(_ timer: TimerID) { timers.remove(timer) }

    private func add(_ alarm: Alarm, at deadline: UInt64) -> TimerID {
        // Rounded up: never early.
        timers.add(alarm, at: deadline / 1_000_000 + (deadline % 1_000_000 == 0 ? 0 : 1))
    }

    private func fireTimers() {
        for _ in 0..<Self.mostTimers {
            switch timers.takeDue(now: now / 1_000_000) {
            case .owner(let owner): owner.timerFired()
            case .work(let work): work()
            case nil: return
            }
        }
    }
}

/// Whom a timer tells. The timer is gone then.
protocol TimerOwner: AnyObject {
    func timerFired()
}

/// Who does something once for all that happens in a turn of its loop.
protocol TurnEndOwner: AnyObject {
    func turnEnded()
}

/// The loop's ear for other threads.
private final class WakeUp: EventSource {
    private let queue: TaskQueue
    private var isSignalled = false

    init(_ queue: TaskQueue) { self.queue = queue }

    func ready(_ events: UInt32) { isSignalled = true }

    /// What other threads want done: without a lock where that is nothing.
    func takeWork() -> [TaskQueue.Work] {
        guard isSignalled else { return [] }
        isSignalled = false
        return queue.take()
    }
}

#endif
