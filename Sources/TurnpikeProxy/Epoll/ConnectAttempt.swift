// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import CEpoll
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Connects to an endpoint: tries its addresses, one after the other, until one answers. Confined to its loop.
///
/// It sets no end to all of it: who waits has a deadline of its own, which is the service's.
final class ConnectAttempt: EventSource, TimerOwner {
    /// Nanoseconds after which an address that is silent gives way to the next, where there is one.
    private static let patience: UInt64 = 1_000_000_000

    private let loop: EpollLoop
    /// Nil once called, or cancelled.
    private var done: ((Descriptor?) -> Void)?
    /// The last is the next to be tried.
    private var addresses: [PeerAddress]
    private var descriptor: Descriptor?
    private var registration = Registration.none
    private var timer: TimerID?

    /// - Parameters:
    ///   - addresses: in numbers.
    ///   - done: called once, with a connected socket, or nil where there is none to be had; perhaps before `start` returns.
    init(_ addresses: [String], port: Int, loop: EpollLoop, _ done: @escaping (Descriptor?) -> Void) {
        self.addresses = addresses.reversed().compactMap { PeerAddress(numeric: $0, port: port) }
        self.loop = loop
        self.done = done
    }

    func start() { tryNext() }

    /// Gives up without a word.
    func cancel() {
        done = nil
        giveUp()
    }

    private func tryNext() {
        guard done != nil else { return }
        while let address = addresses.popLast() {
            guard let fresh = try? Descriptor.stream(family: address.family) else { continue }
            fresh.sendAtOnce()
            let status = address.read { connect(fresh.number, $0, $1) }
            if status == 0 { return finish(fresh) }
            if errno == EINPROGRESS || errno == EINTR,
                let registration = loop.selector.add(self, fresh, events: CEpollWritable)
            {
                descriptor = fresh
                self.registration = registration
                if !addresses.isEmpty { timer = loop.setTimer(for: self, at: loop.now + Self.patience) }
                return
            }
            fresh.closeNow()
        }
        finish(nil)
    }

    func ready(_ events: UInt32) {
        guard let descriptor else { return }
        if descriptor.isConnected {
            forget()
            finish(descriptor)
        } else {
            giveUp()
            tryNext()
        }
    }

    func timerFired() {
        timer = nil
        giveUp()
        tryNext()
    }

    private func finish(_ descriptor: Descriptor?) {
        let done = done
        self.done = nil
        done?(descriptor)
    }

    private func giveUp() {
        guard let descriptor else { return }
        forget()
        descriptor.closeNow()
    }

    private func forget() {
        loop.selector.remove(registration)
        registration = .none
        descriptor = nil
        if let timer { loop.cancel(timer) }
        timer = nil
    }
}

#endif
