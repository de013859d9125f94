// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import CEpoll
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What other threads want done on a loop. Safe from any thread.
///
/// It locks only where somebody wants something: the loop learns of that from a descriptor that becomes readable.
final class TaskQueue: Sendable {
    typealias Work = @Sendable () -> Void

    private struct State {
        var waiting: [Work] = []
        var isOpen = true
    }

    private let state = Mutex(State())
    /// An eventfd(2), readable from the first task that waits until ``take()``.
    let signal: Descriptor

    init() throws(SystemFault) {
        let number = eventfd(0, CEpollEventFlags)
        guard number >= 0 else { throw .last("eventfd") }
        signal = Descriptor(number: number)
    }

    deinit { signal.closeNow() }

    /// - Returns: false where the queue is closed, and the task will never run.
    func add(_ work: @escaping Work) -> Bool {
        let (isOpen, isFirst) = state.withLock { state in
            guard state.isOpen else { return (false, false) }
            state.waiting.append(work)
            return (true, state.waiting.count == 1)
        }
        if isFirst { raise() }
        return isOpen
    }

    private func raise() {
        var one: UInt64 = 1
        // Fails only where the counter is full, and then the loop has been told.
        _ = write(signal.number, &one, MemoryLayout<UInt64>.size)
    }

    /// On the loop, when ``signal`` is readable: all that waits, in order.
    func take() -> [Work] {
        var count: UInt64 = 0
        _ = read(signal.number, &count, MemoryLayout<UInt64>.size)
        return state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// Takes no more.
    ///
    /// - Returns: what waits still.
    func close() -> [Work] {
        state.withLock { state in
            state.isOpen = false
            defer { state.waiting = [] }
            return state.waiting
        }
    }
}

#endif
