// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import CEpoll

/// Whom a socket tells what comes. It holds its owner while it is open.
protocol EpollSocketOwner: AnyObject {
    /// - Parameter bytes: good until the call returns.
    func received(_ bytes: UnsafeRawBufferPointer)
    /// The peer has closed, or the connection failed. The owner closes the socket.
    func ended()
    /// The peer has ended what it sends, and may go on listening; of a socket for which that makes a difference. The owner
    /// stops reading.
    func inputEnded()
    /// What is sent finds room again, or no more.
    func writabilityChanged(_ isWritable: Bool)
    /// All that could not be sent at once is sent now.
    func outputSent()
    /// The handshake of TLS is done; of a socket that was told to be secure. What comes now is for whoever owns it then.
    func secured()
}

extension EpollSocketOwner {
    func secured() {}
}

/// A connected socket: reads, sends, and holds what cannot be sent yet. Confined to its loop.
///
/// Sending never reports that the connection failed: reading does, in an event of its own, once what the peer had to say
/// before is read.
///
/// The kernel tells what is new, once (edge-triggered, epoll(7)): to be told of the same thing for as long as it lasts would cost
/// every wait another look at each socket that was served in the turn before. What is left unread is asked for again.
///
/// Where it has a ``TLSSession``, its owner sees plaintext, and the peer ciphertext.
final class EpollSocket: EventSource {
    /// Bytes that wait beyond which the socket counts as full, and below which it has room again.
    private static let mostWaiting = 64 << 10
    private static let fewWaiting = 32 << 10

    let loop: EpollLoop
    private let descriptor: Descriptor
    private let isUpstream: Bool
    private(set) var owner: (any EpollSocketOwner)?
    /// Nil in the clear.
    var session: TLSSession?
    private var registration = Registration.none
    /// Registered events.
    private var events = CEpollReadable | CEpollInputEnd | CEpollEdge
    private var reads = true
    /// The kernel has told of something that was not read, and will not tell again unless it is asked.
    private var isUnread = false
    private var output = OutputBuffer()
    private(set) var isWritable = true
    /// The peer takes nothing any more.
    private(set) var isBroken = false
    /// Something may be missing of what the peer has sent: the connection has failed, or ended without TLS having said so
    /// (RFC 9112 §9.8).
    var isCutOff = false
    /// Whether a peer that ends what it sends is still there. Default false: it is gone.
    var mayHalfClose = false
    var isInputEnded = false
    private var isOutputShut = false

    /// - Parameter isUpstream: its events go first, so that a connection which its upstream has closed is not taken for the
    ///   request that came in the same turn; and what came before it hung up is read even if later.
    init(_ descriptor: Descriptor, loop: EpollLoop, isUpstream: Bool) {
        self.descriptor = descriptor
        self.loop = loop
        self.isUpstream = isUpstream
    }

    /// - Returns: false where the kernel has no memory for it; it is closed then.
    func open(for owner: any EpollSocketOwner) -> Bool {
        guard register() else {
            descriptor.closeNow()
            return false
        }
        self.owner = owner
        return true
    }

    /// Leaves an open socket to another owner.
    func pass(to owner: any EpollSocketOwner) { self.owner = owner }

    /// Closes a socket that was not opened.
    func turnAway() { descriptor.closeNow() }

    private func register() -> Bool {
        guard let registration = loop.selector.add(self, descriptor, events: events, goesFirst: isUpstream) else {
            return false
        }
        self.registration = registration
        return true
    }

    var isOpen: Bool { owner != nil }

    /// - Parameter reset: by a reset, which tells the peer that something is missing.
    func close(reset: Bool = false) {
        guard isOpen else { return }
        owner = nil
        loop.selector.remove(registration)
        output.removeAll()
        if reset { descriptor.reset() } else { descriptor.closeNow() }
    }

    // MARK: - Events

    func ready(_ events: UInt32) {
        if events & CEpollWritable != 0 { sendWaiting() }
        guard isOpen, events & (CEpollReadable | CEpollInputEnd | CEpollHungUp) != 0 else { return }
        if reads {
            read(toTheEnd: events & (CEpollInputEnd | CEpollHungUp) != 0)
        } else {
            isUnread = true
            if events & CEpollHungUp != 0 { hungUp() }
        }
    }

    /// - Parameter toTheEnd: nothing comes behind what there is, so the kernel has told all that it will.
    private func read(toTheEnd: Bool) {
        repeat {
            switch descriptor.receive(into: loop.receiveBuffer) {
            case .bytes(let count) where count > 0:
                let bytes = UnsafeRawBufferPointer(rebasing: loop.receiveBuffer[..<count])
                if let session { receive(bytes, by: session) } else { owner?.received(bytes) }
                // There may be more, which waits until others have had their turn.
                if count == loop.receiveBuffer.count { return askAgain() }
            // Over TLS, the end of what is sent is told by TLS; without that it was cut off.
            case .bytes where mayHalfClose && session == nil:
                isInputEnded = true
                owner?.inputEnded()
                return
            case .bytes:
                isCutOff = session != nil && !isInputEnded
                owner?.ended()
                return
            case .failed:
                isCutOff = true
                owner?.ended()
                return
            case .wouldBlock: return
            }
        } while toTheEnd && isOpen && reads
        if toTheEnd { isUnread = true }
    }

    /// While nothing is to be read. A client that hung up wants no answer; an upstream may have given one, and what either has
    /// said in a tunnel is for the other. Where both directions are closed there is nothing to tell.
    private func hungUp() {
        let mayHaveSpoken = (isUpstream || mayHalfClose) && !isInputEnded
        if !mayHaveSpoken, !(isInputEnded && isOutputShut) { owner?.ended() }
    }

    /// Stops or resumes reading.
    func setReading(_ reads: Bool) {
        self.reads = reads
        if isUnread { askAgain() }
    }

    /// Has the kernel tell again of what is unread: now, or when it is wanted.
    private func askAgain() {
        isUnread = !reads
        if reads, isOpen { loop.selector.change(registration, events: events) }
    }

    private func watch(_ wanted: UInt32) {
        guard wanted != events else { return }
        events = wanted
        loop.selector.change(registration, events: wanted)
    }

    // MARK: - Output

    /// Nothing waits to be sent.
    var isSent: Bool { output.isEmpty }

    /// Sends what was gathered, and holds what the kernel does not take.
    func send(_ gathered: Gather) {
        guard !gathered.isEmpty else { return }
        guard isOpen, !isBroken else { return gathered.removeAll() }
        if let session { return send(gathered, by: session) }
        transmit(gathered)
    }

    /// Sends what was gathered as it is.
    func transmit(_ gathered: Gather) {
        if output.isEmpty, case .failed = gathered.transmit(to: descriptor) {
            gathered.removeAll()
            return breakOff()
        }
        guard !gathered.isEmpty else { return }
        gathered.drain { output.append($0) }
        watch(events | CEpollWritable)
        if isWritable, output.count > Self.mostWaiting { setWritable(false) }
    }

    /// Nothing more can be sent.
    func breakOff() { isBroken = true }

    /// TLS is of no use any more, and the connection beneath it has nothing to tell that by.
    func breakOffSession() {
        breakOff()
        descriptor.shutDown()
    }

    private func sendWaiting() {
        if !output.isEmpty, case .failed = output.transmit(to: descriptor) {
            isBroken = true
            output.removeAll()
        }
        if output.isEmpty {
            watch(events & ~CEpollWritable)
            owner?.outputSent()
        }
        if !isWritable, output.count < Self.fewWaiting { setWritable(true) }
    }

    private func setWritable(_ isWritable: Bool) {
        self.isWritable = isWritable
        owner?.writabilityChanged(isWritable)
    }

    /// The peer gets to see the end of what was sent.
    func shutDownOutput() {
        isOutputShut = true
        descriptor.shutDownOutput()
    }
}

#endif
