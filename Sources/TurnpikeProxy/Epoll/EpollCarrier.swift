// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

/// What carries the bytes between a client and the ``EpollClient`` that serves it, or an upstream and the ``EpollUpstream`` that
/// stands for it: a socket, or a stream of HTTP/2 within one.
/// Confined to its loop.
protocol EpollCarrier: AnyObject {
    /// Requests over it are streams of HTTP/2.
    var isHTTP2: Bool { get }
    var isOpen: Bool { get }
    /// Both sides have said all that they ever can: it is to be closed.
    var isOver: Bool { get }
    /// Nothing waits to be sent.
    var isSent: Bool { get }
    /// What is sent finds room.
    var isWritable: Bool { get }
    /// Something may be missing of what has come.
    var isCutOff: Bool { get }
    /// Why TLS was of no use any more.
    var fault: TLSFault? { get }
    /// From here on, a peer that ends what it sends is still there.
    func allowHalfClose()
    /// Stops or resumes telling what comes.
    func setReading(_ reads: Bool)
    /// Sends what was gathered, or holds it; nothing of it is left there.
    func send(_ gathered: Gather)
    /// Tells the peer, behind all that was sent, that nothing more comes.
    func sayGoodbye()
    /// Ends the sending side, once all is sent.
    func shutDownOutput()
    /// - Parameter reset: in a way that tells the peer that something is missing.
    func close(reset: Bool)
}

extension EpollSocket: EpollCarrier {
    var isHTTP2: Bool { false }
    var isOver: Bool { false }
    var fault: TLSFault? { session?.fault }
    func allowHalfClose() { mayHalfClose = true }
}

#endif
