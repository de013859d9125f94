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
/// It sets no end to all of it: ``EpollDial`` does.
final class ConnectAttempt: EventSource, TimerOwner {
    /// Nanoseconds after which an address that is silent gives way to the next, where there is one.
    private static let patience: UInt64 = 1_000_000_000

    private let loop: EpollLoop
    /// Nil once called, or cancelled.
    private var done: ((Result<Descriptor, any Error>) -> Void)?
    /// The last is the next to be tried.
    private var addresses: [PeerAddress]
    /// What the last of those that were tried has failed by.
    private var fault: any Error = NoAddress()
    private var descriptor: Descriptor?
    private var registration = Registration.none
    private var timer: TimerID?

    /// - Parameters:
    ///   - addresses: in numbers.
    ///   - done: called once, with a connected socket, or why there is none to be had; perhaps before `start` returns.
    init(
        _ addresses: [String], port: Int, loop: EpollLoop, _ done: @escaping (Result<Descriptor, any Error>) -> Void
    ) {
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
            do throws(SystemFault) {
                let fresh = try Descriptor.stream(family: address.family)
                if try begin(fresh, to: address) { return finish(.success(fresh)) }
                return
            } catch {
                fault = error
            }
        }
        finish(.failure(fault))
    }

    /// - Returns: whether it is connected at once.
    private func begin(_ fresh: Descriptor, to address: PeerAddress) throws(SystemFault) -> Bool {
        fresh.sendAtOnce()
        if address.read({ connect(fresh.number, $0, $1) }) == 0 { return true }
        if errno == EINPROGRESS || errno == EINTR,
            let registration = loop.selector.add(self, fresh, events: CEpollWritable)
        {
            descriptor = fresh
            self.registration = registration
            if !addresses.isEmpty { timer = loop.setTimer(for: self, at: loop.now + Self.patience) }
            return false
        }
        let fault = SystemFault.last("connect")
        fresh.closeNow()
        throw fault
    }

    func ready(_ events: UInt32) {
        guard let descriptor else { return }
        if let fault = descriptor.connectFault {
            failed(by: fault)
        } else {
            forget()
            finish(.success(descriptor))
        }
    }

    func timerFired() {
        timer = nil
        failed(by: SystemFault(call: "connect", code: ETIMEDOUT))
    }

    private func failed(by fault: SystemFault) {
        self.fault = fault
        giveUp()
        tryNext()
    }

    private func finish(_ result: Result<Descriptor, any Error>) {
        let done = done
        self.done = nil
        done?(result)
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
