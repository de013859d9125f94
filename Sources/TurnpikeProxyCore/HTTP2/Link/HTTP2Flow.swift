// SPDX-License-Identifier: Apache-2.0

/// One stream of a connection of HTTP/2 (RFC 9113 §5), towards its user in HTTP/1.1: what is the same on either side.
///
/// The user may send and close at any time. What it is told comes from the connection's events, and never from within a call of
/// its own but for ``HTTP2StreamUser/writabilityChanged(_:)``.
///
/// Confined to its loop.
public class HTTP2Flow {
    /// Bytes that wait to be sent beyond which the stream counts as full, and below which it has room again.
    private static let mostWaiting = 64 << 10
    private static let fewWaiting = 32 << 10

    enum Output {
        case open
        /// Told to its end, which goes out behind what waits.
        case ending
        case ended
    }

    /// 0 until it is begun.
    final var id: UInt32
    final let link: HTTP2Link
    final var user: (any HTTP2StreamUser)?
    /// Closed by its user or by the other side.
    final var isClosed = false

    // What comes.
    /// How content is written; nil before its head has come.
    final var content: HTTP1ContentWriter?
    /// The head, where it waits for what comes next.
    private var waitingHead: [UInt8] = []
    /// All has come.
    final var isReceived: Bool
    /// Why what comes is malformed, once it is.
    final var fault: HTTP2Fault?
    /// The other side has ended its message with it.
    final var endsWithFault = false
    private var contentBytes: UInt64 = 0
    private var receiveWindow = HTTP2Link.streamWindow
    /// Used without having told the other side.
    private var credit = 0
    private var reads = true
    /// What came while nothing was to be read, and the content in it.
    private var unread: [UInt8] = []
    private var unreadContent = 0

    // What is sent.
    final var output = Output.open
    final var sendWindow: Int
    private var pending: [UInt8] = []
    /// Bytes at the front of `pending` that were sent.
    private var sent = 0
    private var trailers: [(name: String, value: String)] = []
    public private(set) final var isWritable = true
    /// Among those of the connection's that are ready to send.
    final var isQueued = false

    init(_ id: UInt32, of link: HTTP2Link, content: HTTP1ContentWriter?, isReceived: Bool) {
        self.id = id
        self.link = link
        self.content = content
        self.isReceived = isReceived
        sendWindow = link.settings.initialWindow
    }

    /// Both sides have said all, or it was broken off: nothing more will be told, and its user can leave.
    public final var isOver: Bool { isClosed || isReceived && output == .ended }

    /// All that was sent is on its way.
    public final var isSent: Bool { pending.isEmpty }

    // MARK: - What comes

    final func begin(_ head: UnsafeRawBufferPointer) {
        if content?.headWaits == true { waitingHead = Array(head) } else { deliver(head, content: 0) }
    }

    /// - Returns: why the stream is to be reset, if it is.
    final func receive(_ piece: UnsafeRawBufferPointer, padding: Int, isLast: Bool) -> HTTP2ErrorCode? {
        guard !isReceived else { return .streamClosed }
        guard let content else { return .protocolError }
        receiveWindow -= piece.count + padding
        guard receiveWindow >= 0 else { return .flowControlError }
        grant(padding)
        contentBytes += UInt64(piece.count)
        // What was announced has to come, and nothing else (RFC 9113 §8.1.1).
        if let length = content.length, isLast ? contentBytes != length : contentBytes > length {
            (fault, endsWithFault) = (.wrongLength, isLast)
            return .protocolError
        }
        isReceived = isLast
        // Content without bytes that does not end is neither what was announced nor against it.
        guard isLast || !piece.isEmpty else { return nil }
        passWaitingHead()
        link.framed.removeAll()
        content.write(piece, isLast: isLast, to: link.framed)
        deliver(link.framed.bytes, content: piece.count)
        settle()
        return nil
    }

    /// - Returns: whether there can be trailers here.
    final func end(trailers: UnsafeRawBufferPointer) -> Bool {
        if let length = content?.length, contentBytes != length {
            (fault, endsWithFault) = (.wrongLength, true)
            return false
        }
        isReceived = true
        passWaitingHead()
        if content?.framing == .chunked { deliver(trailers, content: 0) }
        settle()
        return true
    }

    /// Its user has been told nothing yet.
    final var isHeadWaiting: Bool { !waitingHead.isEmpty }

    private func passWaitingHead() {
        guard !waitingHead.isEmpty else { return }
        let head = waitingHead
        waitingHead = []
        head.withUnsafeBytes { deliver($0, content: 0) }
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer, content count: Int) {
        guard reads, unread.isEmpty else {
            unread += bytes
            unreadContent += count
            return
        }
        if !bytes.isEmpty { user?.received(bytes) }
        used(count)
    }

    /// So much of the content has found its way: the other side may send as much anew.
    private func used(_ bytes: Int) {
        link.used(bytes)
        grant(bytes)
    }

    /// So many bytes more may come, of which the other side is told by and by.
    private func grant(_ bytes: Int) {
        credit += bytes
        guard !isClosed, !isReceived, credit >= HTTP2Link.streamWindow / 4 else { return }
        link.output.windowUpdate(stream: id, by: credit)
        receiveWindow += credit
        credit = 0
    }

    /// Stops or resumes telling what comes.
    public final func setReading(_ reads: Bool) {
        self.reads = reads
        if reads, !unread.isEmpty { link.waiting.append(self) }
    }

    /// Tells its user what could not be told before.
    final func tell() {
        guard reads, !unread.isEmpty, !isClosed else { return }
        let (bytes, count) = (unread, unreadContent)
        (unread, unreadContent) = ([], 0)
        bytes.withUnsafeBytes { deliver($0, content: count) }
        settle()
    }

    // MARK: - What is sent

    /// Sends a piece of a message, which is HTTP/1.1.
    public final func send(_ bytes: UnsafeRawBufferPointer) {
        guard !isClosed, output == .open else { return }
        // The engine says nothing else; what cannot be read goes nowhere.
        do { try read(bytes) } catch { breakOff(.internalError) }
        // Not before it is read: who is told may leave.
        if isWritable, waitingBytes > Self.mostWaiting { setWritable(false) }
    }

    /// Reads a piece of the message that is sent.
    func read(_ bytes: UnsafeRawBufferPointer) throws {}

    final func send(content bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while pending.isEmpty, !rest.isEmpty, let piece = link.sendData(rest, on: self) {
            rest = UnsafeRawBufferPointer(rebasing: rest[piece...])
        }
        guard !rest.isEmpty else { return }
        // Moving what is left to the front costs no more than sending what was before it did.
        if sent > 0, sent >= waitingBytes {
            pending.removeFirst(sent)
            sent = 0
        }
        pending += rest
        link.makeReady(self)
    }

    private var waitingBytes: Int { pending.count - sent }
    final var hasPending: Bool { !pending.isEmpty }

    /// Sends one frame of what waits.
    final func sendPending() {
        let piece = pending.withUnsafeBytes {
            link.sendData(UnsafeRawBufferPointer(rebasing: $0[sent...]), on: self)
        }
        guard let piece else { return }
        sent += piece
        if sent == pending.count {
            (pending, sent) = ([], 0)
            if output == .ending { writeEnd() }
            settle()
            user?.outputSent()
        } else {
            link.makeReady(self)
        }
        if !isWritable, waitingBytes < Self.fewWaiting { setWritable(true) }
    }

    private func setWritable(_ isWritable: Bool) {
        self.isWritable = isWritable
        user?.writabilityChanged(isWritable)
    }

    final func endOutput(trailers: [(name: String, value: String)] = []) {
        self.trailers = trailers
        output = .ending
        if pending.isEmpty, id > 0 { writeEnd() }
    }

    /// Gets its number and a window; its head is written.
    final func isBegun() {
        guard output == .ending, pending.isEmpty else { return link.makeReady(self) }
        writeEnd()
    }

    private func writeEnd() {
        output = .ended
        link.writeEnd(of: self, trailers: trailers)
        trailers = []
    }

    // MARK: - Ends

    /// Ends what is sent, where it may end.
    public func endOutput() {}

    /// Its user leaves: what is sent ends, or is broken off where it cannot or shall not.
    public func close(reset: Bool) {}

    /// Resets the stream. Its user sees that it is over.
    final func breakOff(_ code: HTTP2ErrorCode) {
        guard !isOver else { return }
        if id > 0 { link.output.reset(stream: id, code) }
        leave()
    }

    /// Tells its user that what comes is malformed, before the stream is reset for that, unless its user ends it.
    func tellFault() {}

    /// The other side has reset it.
    ///
    /// - Parameter code: why; nil where nobody knows that.
    func wasReset(by code: HTTP2ErrorCode?) { lost() }

    /// The other side, or the connection, is gone.
    func lost() {
        leave()
        let user = user
        self.user = nil
        if let fault { user?.malformed(fault) } else { user?.ended() }
    }

    func leave() {
        isClosed = true
        link.used(unreadContent)
        (unread, unreadContent) = ([], 0)
        dropPending()
        link.forget(self)
    }

    final func dropPending() { (pending, sent) = ([], 0) }

    /// Sees to it that the connection forgets what is over.
    func settle() {
        guard isOver, !isClosed else { return }
        leave()
        user?.outputSent()
    }
}
