// SPDX-License-Identifier: Apache-2.0

/// One request to an upstream and its answer. Confined to its loop.
///
/// Its user sends the request as HTTP/1.1, also before there is room to begin it, and is told the answer as that.
public final class HTTP2UpstreamStream: HTTP2Flow {
    private let connection: HTTP2UpstreamConnection
    private var reader: HTTP1RequestReader
    /// The request's, until it is begun.
    private var head: (fields: HTTP1RequestReader.Head, endsStream: Bool)?
    private var answersHead = false

    init(of connection: HTTP2UpstreamConnection, for user: any HTTP2StreamUser) {
        self.connection = connection
        reader = HTTP1RequestReader(limits: connection.forwardedLimits)
        super.init(0, of: connection, content: nil, isReceived: false)
        sendWindow = 0
        self.user = user
    }

    // MARK: - The request

    var hasHead: Bool { head != nil }

    override func read(_ bytes: UnsafeRawBufferPointer) throws { try reader.read(bytes) { take($0) } }

    private func take(_ part: HTTP1RequestReader.Part) {
        switch part {
        case .head(let fields, let isLast):
            answersHead = fields.method == "HEAD"
            head = (fields, isLast)
            if isLast { output = .ended }
            connection.begin(self)
        case .content(let bytes): send(content: bytes)
        case .end(let trailers): endOutput(trailers: trailers)
        }
    }

    func begin(as number: UInt32) {
        guard let head = head.take() else { return }
        id = number
        sendWindow = connection.settings.initialWindow
        connection.write(head.fields, of: self, endsStream: head.endsStream)
        isBegun()
    }

    // MARK: - The answer

    /// Takes a block of fields: a head, or trailers.
    ///
    /// - Returns: false where it is malformed (RFC 9113 §8.1.1).
    func take(_ fields: [(name: String, value: String)], endsStream: Bool) -> Bool {
        do throws(HTTP2Fault) {
            guard let content else {
                try takeHead(fields, endsStream: endsStream)
                return true
            }
            guard endsStream, !isReceived else { return false }
            return try content.end(trailers: fields).withUnsafeBytes { end(trailers: $0) }
        } catch {
            return false
        }
    }

    private func takeHead(_ fields: [(name: String, value: String)], endsStream: Bool) throws(HTTP2Fault) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        content = try HTTP1ResponseWriter.write(
            fields, endsStream: endsStream, answersHead: answersHead, to: &bytes)
        isReceived = endsStream
        bytes.withUnsafeBytes { begin($0) }
        settle()
    }

    // MARK: - Ends

    /// Who has asked lets go: the upstream need not answer, nor read, any more.
    public override func close(reset: Bool) {
        user = nil
        breakOff(.cancel)
        leave()
    }

    override func leave() {
        if id == 0 { connection.forgetUnbegun(self) }
        super.leave()
    }

    /// The upstream has not begun with it.
    func refuse() {
        guard content == nil else { return lost() }
        let user = user
        self.user = nil
        leave()
        user?.refused()
    }

    /// An answer that is whole stays so; what is missing of the request, the upstream did not need.
    override func wasReset(by code: HTTP2ErrorCode?) {
        if code == .refusedStream { refuse() } else { lost() }
    }

    override func lost() {
        guard isReceived else { return super.lost() }
        output = .ended
        dropPending()
        user?.outputSent()
    }

    /// What the user has not read yet it still may, once the connection has forgotten the stream.
    override func settle() {
        guard isReceived, output == .ended, !isClosed else { return }
        connection.forget(self)
    }
}
