// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import CEpoll
import Logging
import TurnpikeProxyCore
import TurnpikeTelemetry

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One of the loops that a listener gives connections to.
struct EpollSeat: Sendable {
    let loop: EpollLoop
    let engine: LoopBound<EpollEngine>
    let load: LoopLoad
}

/// Takes connections in, and gives each to the loop that has the fewest. Confined to its own loop, which is one of them.
///
/// Loops that listened each for itself (SO_REUSEPORT) would save the hand-over, some microseconds a connection. But then the
/// kernel deals connections out by a hash of their addresses, unevenly where they are few and stay long; those that wait at a
/// loop that ends are lost; and two gateways started on one port by mistake would share it without a word.
final class EpollListener: EventSource, TimerOwner {
    /// Connections taken in one turn.
    private static let mostAccepted = 64
    private static let backlog: Int32 = 1024
    /// Nanoseconds without accepting, where the process or the machine has no descriptor or memory left: those who wait are
    /// served when somebody leaves.
    private static let pause: UInt64 = 100_000_000

    private let descriptor: Descriptor
    private let seats: [EpollSeat]
    /// Nil in the clear.
    private let certificates: ServerCertificates?
    private let loads: [LoopLoad]
    private var turn = LoopTurn()
    private let loop: EpollLoop
    private let logger: Logger
    private var registration = Registration.none
    private var timer: TimerID?
    /// Whether it was said already that accepting fails.
    private var isShort = false

    /// Listens at the first address of the host that can be had. Blocks where the host is a name.
    init(
        at address: EndpointAddress, certificates: ServerCertificates?, seats: [EpollSeat], loop: EpollLoop,
        logger: Logger
    ) throws {
        descriptor = try EpollListener.listen(at: address)
        self.certificates = certificates
        self.seats = seats
        loads = seats.map(\.load)
        self.loop = loop
        self.logger = logger
        guard let registration = loop.selector.add(self, descriptor, events: CEpollReadable) else {
            descriptor.closeNow()
            throw SystemFault.last("epoll_ctl")
        }
        self.registration = registration
    }

    private static func listen(at endpoint: EndpointAddress) throws -> Descriptor {
        var fault = SystemFault(call: "bind", code: EADDRNOTAVAIL)
        for address in try PeerAddress.all(of: endpoint) {
            do throws(SystemFault) { return try listen(at: address) } catch { fault = error }
        }
        throw fault
    }

    private static func listen(at address: PeerAddress) throws(SystemFault) -> Descriptor {
        let descriptor = try Descriptor.stream(family: address.family)
        descriptor.reuseAddress()
        // The connections that it takes in inherit this.
        descriptor.sendAtOnce()
        let fault: SystemFault
        if address.read({ bind(descriptor.number, $0, $1) }) != 0 {
            fault = .last("bind")
        } else if beginListening(descriptor) != 0 {
            fault = .last("listen")
        } else {
            return descriptor
        }
        descriptor.closeNow()
        throw fault
    }

    private static func beginListening(_ descriptor: Descriptor) -> Int32 {
        #if canImport(Glibc)
        Glibc.listen(descriptor.number, backlog)
        #else
        Musl.listen(descriptor.number, backlog)
        #endif
    }

    /// The one that the system chose where 0 was asked for.
    var port: Int {
        var address = PeerAddress()
        return address.fill { getsockname(descriptor.number, $0, $1) } == 0 ? address.port : 0
    }

    func close() {
        guard registration != .none else { return }
        loop.selector.remove(registration)
        registration = .none
        if let timer { loop.cancel(timer) }
        timer = nil
        descriptor.closeNow()
    }

    // MARK: - Accepting

    func ready(_ events: UInt32) {
        for _ in 0..<Self.mostAccepted {
            var address = PeerAddress()
            let number = address.fill { CEpollAccept(descriptor.number, $0, $1) }
            if number >= 0 {
                isShort = false
                take(Descriptor(number: number), from: address)
                continue
            }
            switch errno {
            case EAGAIN: return
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return waitForRoom(.last("accept4"))
            // A connection that failed before it was taken (accept(2)): there may be others behind it.
            default: continue
            }
        }
    }

    private func take(_ descriptor: Descriptor, from address: PeerAddress) {
        let seat = seats[turn.pick(loads)]
        // From now on, so that those that come in the same turn do not all go there.
        seat.load.arrived()
        guard seat.loop !== loop else { return seat.open(descriptor, from: address, certificates) }
        let certificates = certificates
        seat.loop.execute { seat.open(descriptor, from: address, certificates) }
    }

    private func waitForRoom(_ fault: SystemFault) {
        if !isShort { logger.warning("Connections wait to be accepted.", metadata: [LogKey.error: "\(fault)"]) }
        isShort = true
        loop.selector.change(registration, events: 0)
        timer = loop.setTimer(for: self, at: loop.now + Self.pause)
    }

    func timerFired() {
        timer = nil
        loop.selector.change(registration, events: CEpollReadable)
    }
}

extension EpollSeat {
    /// To be called on the seat's loop, once its load has grown by the client, who takes itself off again.
    fileprivate func open(_ descriptor: Descriptor, from address: PeerAddress, _ certificates: ServerCertificates?) {
        let (engine, client) = (engine.value, address.client)
        let socket = EpollSocket(descriptor, loop: loop, isUpstream: false)
        if let certificates {
            EpollHandshake(socket, from: client, certificates: certificates, engine: engine, loop: loop).open()
        } else {
            EpollGreeting(socket, from: client, engine: engine, loop: loop).open()
        }
    }
}

#endif
