// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import CEpoll

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// An epoll(7) instance and the sources registered with it. Confined to its loop.
final class Selector {
    /// Events taken in one turn.
    private static let mostEvents = 256

    private struct Entry {
        var registration: Registration
        var source: any EventSource
    }

    private let epoll: Descriptor
    // Invariant: the kernel writes the first events of it in `wait`, and only those are read.
    private let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: mostEvents)
    /// By the descriptors' numbers.
    private var entries: [Entry?] = []
    private var serial: UInt32 = 0

    init() throws(SystemFault) {
        let number = epoll_create1(CEpollCloseOnExec)
        guard number >= 0 else { throw .last("epoll_create1") }
        epoll = Descriptor(number: number)
    }

    deinit {
        epoll.closeNow()
        events.deallocate()
    }

    // MARK: - Registrations

    /// - Returns: nil where the kernel has no memory for one more.
    func add(
        _ source: any EventSource, _ descriptor: Descriptor, events: UInt32, goesFirst: Bool = false
    ) -> Registration? {
        serial &+= 1
        let registration = Registration(descriptor, serial: serial, goesFirst: goesFirst)
        guard control(EPOLL_CTL_ADD, registration, events) else { return nil }
        while entries.count <= registration.slot { entries.append(nil) }
        entries[registration.slot] = Entry(registration: registration, source: source)
        return registration
    }

    /// - Returns: false where the kernel does not know it any more.
    @discardableResult
    func change(_ registration: Registration, events: UInt32) -> Bool {
        control(EPOLL_CTL_MOD, registration, events)
    }

    /// To be called before its descriptor is closed.
    func remove(_ registration: Registration) {
        guard entry(registration) != nil else { return }
        entries[registration.slot] = nil
        _ = control(EPOLL_CTL_DEL, registration, 0)
    }

    private func control(_ operation: Int32, _ registration: Registration, _ events: UInt32) -> Bool {
        var event = epoll_event()
        event.events = events
        event.data.u64 = registration.word
        return epoll_ctl(epoll.number, operation, Int32(registration.slot), &event) == 0
    }

    private func entry(_ registration: Registration) -> Entry? {
        guard registration.slot < entries.count, let entry = entries[registration.slot],
            entry.registration == registration
        else { return nil }
        return entry
    }

    // MARK: - Events

    /// Waits for events, at most `milliseconds`; for ever where that is negative.
    ///
    /// - Returns: how many came.
    func wait(milliseconds: Int32) -> Int {
        // An interrupted wait is a turn without events.
        max(0, Int(CEpollWait(epoll.number, events, Int32(Self.mostEvents), milliseconds)))
    }

    /// Tells the sources of those of the last events that go first, or of the others. An event finds nobody where another
    /// before it has removed its source.
    func deliver(_ count: Int, goingFirst: Bool) {
        for index in 0..<count {
            let registration = Registration(word: events[index].data.u64)
            guard registration.goesFirst == goingFirst, let entry = entry(registration) else { continue }
            entry.source.ready(events[index].events)
        }
    }

    /// Lets go of all sources.
    func removeAll() { entries.removeAll() }
}

#endif
