// SPDX-License-Identifier: Apache-2.0

/// Who serves one request of a client's, as if it came over a connection of HTTP/1.1.
public protocol HTTP2StreamUser: AnyObject {
    /// - Parameter bytes: good until the call returns.
    func received(_ bytes: UnsafeRawBufferPointer)
    /// The client has taken the request back, or its connection is gone. Nothing more is told.
    func ended()
    /// What is sent finds room again, or no more.
    func writabilityChanged(_ isWritable: Bool)
    /// All that was sent is on its way now, or the stream is over.
    func outputSent()
}

/// One request and its answer on a connection of HTTP/2 (RFC 9113 §5), towards its user in HTTP/1.1.
///
/// The user may send and close at any time. What it is told comes from the connection's events, and never from within a call of
/// its own but for ``HTTP2StreamUser/writabilityChanged(_:)``.
///
/// Confined to its loop.
public final class HTTP2Stream {
    /// Bytes of an answer that wait beyond which the stream counts as full, and below which it has room again.
    private static let mostWaiting = 64 << 10
    private static let fewWaiting = 32 << 10

    private enum Answer {
        case open
        /// Told to its end, which goes out behind what waits.
        case ending
        case ended
    }

    let id: UInt32
    let connection: HTTP2Connection
    var user: (any HTTP2StreamUser)?
    /// Closed by its user or by the client.
    private var isClosed = false

    // The request.
    private let content: HTTP1ContentWriter
    /// The head, where it waits for what comes next.
    private var waitingHead: [UInt8] = []
    private(set) var isRequestWhole: Bool
    private var contentBytes: UInt64 = 0
    private var receiveWindow = HTTP2Connection.streamWindow
    /// Used without having told the client.
    private var credit = 0
    private var reads = true
    /// What came while nothing was to be read, and the content in it.
    private var unread: [UInt8] = []
    private var unreadContent = 0

    // The answer.
    private var answer = Answer.open
    private var reader: HTTP1ResponseReader
    var sendWindow: Int
    private var pending: [UInt8] = []
    /// Bytes at the front of `pending` that were sent.
    private var sent = 0
    private var trailers: [(name: String, value: String)] = []
    public private(set) var isWritable = true
    /// Among those of the connection's that are ready to send.
    var isQueued = false

    init(
        _ id: UInt32, of connection: HTTP2Connection, content: HTTP1ContentWriter, isWhole: Bool, answersHead: Bool
    ) {
        self.id = id
        self.connection = connection
        self.content = content
        isRequestWhole = isWhole
        reader = HTTP1ResponseReader(answersHead: answersHead, limits: connection.answerLimits)
        sendWindow = connection.settings.initialWindow
    }

    /// Both sides have said all, or it was broken off: nothing more will be told, and its user can leave.
    public var isOver: Bool { isClosed || isRequestWhole && answer == .ended }

    /// All that was sent is on its way to the client.
    public var isSent: Bool { pending.isEmpty }

    // MARK: - The request

    func begin(_ head: UnsafeRawBufferPointer) {
        if content.headWaits { waitingHead = Array(head) } else { deliver(head, content: 0) }
    }

    /// - Returns: why the stream is to be reset, if it is.
    func receive(_ piece: UnsafeRawBufferPointer, padding: Int, isLast: Bool) -> HTTP2ErrorCode? {
        guard !isRequestWhole else { return .streamClosed }
        receiveWindow -= piece.count + padding
        guard receiveWindow >= 0 else { return .flowControlError }
        grant(padding)
        contentBytes += UInt64(piece.count)
        // What was announced has to come, and nothing else (RFC 9113 §8.1.1).
        if let length = content.length, isLast ? contentBytes != length : contentBytes > length {
            return .protocolError
        }
        isRequestWhole = isLast
        // Content without bytes that does not end is neither what was announced nor against it.
        guard isLast || !piece.isEmpty else { return nil }
        passWaitingHead()
        connection.framed.removeAll()
        content.write(piece, isLast: isLast, to: connection.framed)
        deliver(connection.framed.bytes, content: piece.count)
        settle()
        return nil
    }

    /// - Returns: whether there can be trailers here.
    func end(trailers: UnsafeRawBufferPointer) -> Bool {
        if let length = content.length, contentBytes != length { return false }
        isRequestWhole = true
        passWaitingHead()
        if content.framing == .chunked { deliver(trailers, content: 0) }
        settle()
        return true
    }

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

    /// So much of the content has found its way: the client may send as much anew.
    private func used(_ bytes: Int) {
        connection.used(bytes)
        grant(bytes)
    }

    /// So many bytes more may come, of which the client is told by and by.
    private func grant(_ bytes: Int) {
        credit += bytes
        guard !isClosed, !isRequestWhole, credit >= HTTP2Connection.streamWindow / 4 else { return }
        connection.output.windowUpdate(stream: id, by: credit)
        receiveWindow += credit
        credit = 0
    }

    /// Stops or resumes telling what comes.
    public func setReading(_ reads: Bool) {
        self.reads = reads
        if reads, !unread.isEmpty { connection.waiting.append(self) }
    }

    /// Tells its user what could not be told before.
    func tell() {
        guard reads, !unread.isEmpty, !isClosed else { return }
        let (bytes, count) = (unread, unreadContent)
        (unread, unreadContent) = ([], 0)
        bytes.withUnsafeBytes { deliver($0, content: count) }
        settle()
    }

    // MARK: - The answer

    /// Sends a piece of the answer, which is HTTP/1.1.
    public func send(_ bytes: UnsafeRawBufferPointer) {
        guard !isClosed, answer == .open else { return }
        // The engine gives no other than answers; one that is none goes nowhere.
        do { try reader.read(bytes) { take($0) } } catch { breakOff(.internalError) }
        // Not before it is read: who is told may leave.
        if isWritable, waitingBytes > Self.mostWaiting { setWritable(false) }
    }

    private func take(_ part: HTTP1ResponseReader.Part) {
        switch part {
        case .head(let head, let isLast):
            connection.write(head, on: self, endsStream: isLast)
            if isLast { answer = .ended }
        case .content(let bytes): send(content: bytes)
        case .end(let trailers):
            self.trailers = trailers
            endAnswer()
        }
    }

    private func send(content bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while pending.isEmpty, !rest.isEmpty, let piece = connection.sendData(rest, on: self) {
            rest = UnsafeRawBufferPointer(rebasing: rest[piece...])
        }
        guard !rest.isEmpty else { return }
        // Moving what is left to the front costs no more than sending what was before it did.
        if sent > 0, sent >= waitingBytes {
            pending.removeFirst(sent)
            sent = 0
        }
        pending += rest
        connection.makeReady(self)
    }

    private var waitingBytes: Int { pending.count - sent }
    var hasPending: Bool { !pending.isEmpty }

    /// Sends one frame of what waits.
    func sendPending() {
        let piece = pending.withUnsafeBytes {
            connection.sendData(UnsafeRawBufferPointer(rebasing: $0[sent...]), on: self)
        }
        guard let piece else { return }
        sent += piece
        if sent == pending.count {
            (pending, sent) = ([], 0)
            if answer == .ending { writeEnd() }
            settle()
            user?.outputSent()
        } else {
            connection.makeReady(self)
        }
        if !isWritable, waitingBytes < Self.fewWaiting { setWritable(true) }
    }

    private func setWritable(_ isWritable: Bool) {
        self.isWritable = isWritable
        user?.writabilityChanged(isWritable)
    }

    private func endAnswer() {
        answer = .ending
        if pending.isEmpty { writeEnd() }
    }

    private func writeEnd() {
        answer = .ended
        connection.writeEnd(of: self, trailers: trailers)
        trailers = []
    }

    // MARK: - Ends

    /// Ends the answer where it may end. What the client has still to say of its request it need not say then (RFC 9113 §8.1).
    public func endOutput() {
        guard !isClosed else { return }
        if answer == .open {
            guard reader.mayEndNow else { return breakOff(.internalError) }
            endAnswer()
        }
        if answer == .ended, !isRequestWhole { breakOff(.noError) }
    }

    /// Its user leaves: the answer ends, or is broken off where it cannot or shall not.
    public func close(reset: Bool) {
        user = nil
        if reset, answer != .ended { breakOff(.internalError) } else { endOutput() }
        if !isOver { breakOff(.cancel) }
        settle()
    }

    /// Resets the stream. Its user sees that it is over.
    private func breakOff(_ code: HTTP2ErrorCode) {
        guard !isOver else { return }
        connection.output.reset(stream: id, code)
        leave()
    }

    /// The client, or its connection, is gone.
    func lost() {
        leave()
        let user = user
        self.user = nil
        user?.ended()
    }

    private func leave() {
        isClosed = true
        connection.used(unreadContent)
        (unread, unreadContent) = ([], 0)
        (pending, sent) = ([], 0)
        connection.forget(self)
    }

    /// Sees to it that the connection forgets what is over.
    private func settle() {
        guard isOver, !isClosed else { return }
        leave()
        user?.outputSent()
    }
}
