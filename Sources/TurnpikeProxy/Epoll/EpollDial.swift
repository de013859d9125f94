// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeModel
import TurnpikeProxyCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Connects to an endpoint and, where its wire says so, shakes hands with it (TLS), until it can be spoken to. Confined to its loop.
final class EpollDial: EpollSocketOwner, TimerOwner {
    /// Nanoseconds that all of it may take: who waits has a deadline of its own, which is the service's, and cancels.
    private static let patience: UInt64 = 120_000_000_000

    private let endpoint: EndpointAddress
    private let addresses: [String]
    private let loop: EpollLoop
    /// Nil once called, or cancelled.
    private var done: ((Result<EpollSocket, any Error>) -> Void)?
    private var attempt: ConnectAttempt?
    private var socket: EpollSocket?
    private var timer: TimerID?

    /// - Parameters:
    ///   - addresses: where to connect, one after the other, in numbers.
    ///   - done: called once, perhaps before `start` returns: with an open socket, which is to be passed to its owner or closed at
    ///     once, or with why there is none.
    init(
        to endpoint: EndpointAddress, at addresses: [String], loop: EpollLoop,
        _ done: @escaping (Result<EpollSocket, any Error>) -> Void
    ) {
        self.endpoint = endpoint
        self.addresses = addresses
        self.loop = loop
        self.done = done
    }

    func start() {
        timer = loop.setTimer(for: self, at: loop.now + Self.patience)
        guard endpoint.wire.tls != nil else { return connect(by: nil) }
        let (dial, loop) = (LoopBound(self, on: loop), loop)
        do {
            let known = try TLSContext.towardsUpstreams.context(
                for: endpoint.wire, showing: loop.upstreams.certificates
            ) { made in loop.execute { dial.value.secure(by: made) } }
            if let known { connect(by: known) }
        } catch {
            finish(.failure(error))
        }
    }

    /// Gives up without a word.
    func cancel() {
        done = nil
        end()
    }

    // MARK: - Connecting

    private func secure(by made: Result<TLSContext, any Error>) {
        switch made {
        case .success(let context): connect(by: context)
        case .failure(let error): finish(.failure(error))
        }
    }

    /// - Parameter context: nil in the clear.
    private func connect(by context: TLSContext?) {
        guard done != nil else { return }
        let attempt = ConnectAttempt(addresses, port: endpoint.port, loop: loop) { self.connected($0, context) }
        self.attempt = attempt
        attempt.start()
    }

    private func connected(_ result: Result<Descriptor, any Error>, _ context: TLSContext?) {
        attempt = nil
        switch result {
        case .success(let descriptor):
            let socket = EpollSocket(descriptor, loop: loop, isUpstream: true)
            guard socket.open(for: self) else { return finish(.failure(SystemFault.last("epoll_ctl"))) }
            self.socket = socket
            if let context { shakeHands(by: context, on: socket) } else { finish(.success(socket)) }
        case .failure(let error): finish(.failure(error))
        }
    }

    private func shakeHands(by context: TLSContext, on socket: EpollSocket) {
        let host = endpoint.wire.tls?.serverName ?? endpoint.host
        guard let session = TLSSession(context, towards: host, wire: loop.wire) else {
            return finish(.failure(TLSFault(description: "nobody can prove to be '\(host)'")))
        }
        socket.secure(by: session)
    }

    // MARK: - Ends

    private func finish(_ result: Result<EpollSocket, any Error>) {
        guard let done else { return }
        self.done = nil
        if case .success = result { socket = nil }
        end()
        done(result)
    }

    private func end() {
        if let timer { loop.cancel(timer) }
        timer = nil
        attempt?.cancel()
        attempt = nil
        socket?.close()
        socket = nil
    }

    func timerFired() {
        timer = nil
        finish(.failure(SystemFault(call: "connect", code: ETIMEDOUT)))
    }

    // MARK: - Socket, until the handshake is done

    func secured() {
        guard let socket else { return }
        // Who does not choose HTTP/2 would be spoken to in what he does not understand (RFC 9113 §3.2).
        guard !endpoint.wire.speaksHTTP2 || socket.session?.speaksHTTP2 == true else {
            return finish(.failure(TLSFault(description: "the upstream did not choose HTTP/2 (ALPN)")))
        }
        finish(.success(socket))
    }

    func ended() {
        finish(.failure(socket?.session?.fault ?? TLSFault(description: "the connection ended within the handshake")))
    }

    func received(_ bytes: UnsafeRawBufferPointer) {}
    func inputEnded() {}
    func writabilityChanged(_ isWritable: Bool) {}
    func outputSent() {}
}

#endif
