// SPDX-License-Identifier: Apache-2.0

/// One request of a client's and its answer. Confined to its loop.
public final class HTTP2Stream: HTTP2Flow {
    private var reader: HTTP1ResponseReader
    private let connection: HTTP2Connection
    /// The answer had begun when the request turned out to be malformed, and must not be taken for whole.
    private var isSpoilt = false

    init(
        _ id: UInt32, of connection: HTTP2Connection, content: HTTP1ContentWriter?, isWhole: Bool, answersHead: Bool
    ) {
        self.connection = connection
        reader = HTTP1ResponseReader(answersHead: answersHead, limits: connection.forwardedLimits)
        super.init(id, of: connection, content: content, isReceived: isWhole)
    }

    override func read(_ bytes: UnsafeRawBufferPointer) throws { try reader.read(bytes) { take($0) } }

    private func take(_ part: HTTP1ResponseReader.Part) {
        switch part {
        case .head(let head, let isLast):
            connection.write(head, on: self, endsStream: isLast)
            if isLast { output = .ended }
        case .content(let bytes): send(content: bytes)
        case .end(let trailers): endOutput(trailers: trailers)
        }
    }

    // MARK: - Ends

    /// Ends the answer where it may end. What the client has still to say of its request it need not say then (RFC 9113 §8.1).
    public override func endOutput() {
        guard !isClosed else { return }
        if output == .open {
            guard reader.mayEndNow, !isSpoilt else { return breakOff(fault == nil ? .internalError : .protocolError) }
            endOutput(trailers: [])
        }
        guard output == .ended, !isReceived else { return }
        if endsWithFault { leave() } else { breakOff(.noError) }
    }

    /// Ends with an answer that no user gives, where that finds room at once: nobody watches over it later.
    func end(with answer: [UInt8]) {
        answer.withUnsafeBytes { send($0) }
        if output != .ended { breakOff(.protocolError) }
        endOutput()
        settle()
    }

    /// Who serves the request may answer yet.
    override func tellFault() {
        guard let fault else { return }
        isSpoilt = reader.hasBegun && output == .open
        user?.malformed(fault)
        user = nil
    }

    /// Its user leaves: the answer ends, or is broken off where it cannot or shall not.
    public override func close(reset: Bool) {
        user = nil
        // It was told nothing of the request, and so has no answer.
        if let fault, isHeadWaiting, !isClosed, let answer = connection.user?.refused(fault) {
            return end(with: answer)
        }
        if reset, output != .ended { breakOff(.internalError) } else { endOutput() }
        if !isOver { breakOff(.cancel) }
        settle()
    }
}
