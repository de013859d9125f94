// SPDX-License-Identifier: Apache-2.0

/// How an upstream's answer reaches one client: with what framing, and whether the client's connection goes on after
/// it.
public struct ResponseDelivery: Sendable, Hashable {
    /// The client's connection stays open after the content.
    public let keepAlive: Bool
    /// The content must be sent as decoded payload, ended by closing: an HTTP/1.0 client cannot read chunks.
    /// Otherwise the framed bytes are passed on as they come.
    public let decodesChunks: Bool

    /// - Parameters:
    ///   - head: of the upstream.
    ///   - clientMinorVersion: of the request.
    ///   - wantsKeepAlive: the client's wish, and the gateway's: false while draining, for instance.
    public init(_ head: borrowing ResponseHead, clientMinorVersion: UInt8, wantsKeepAlive: Bool) {
        decodesChunks = head.framing == .chunked && clientMinorVersion == 0
        keepAlive = wantsKeepAlive && !decodesChunks && head.framing != .untilClose
    }
}

/// Rewrites the head of an upstream's answer for the client: status and reason as they came, the fields without
/// hop-by-hop ones, those that `Connection` names and those to `drop`; then `X-Request-Id` and what the connection
/// needs.
public struct ResponseForwarding: Sendable {
    public var delivery: ResponseDelivery
    public var clientMinorVersion: UInt8
    /// Fields that stop here, such as those that the gateway writes itself.
    public var drop: KnownFieldSet
    public var requestID: RequestID
    /// Of fields that are the gateway's to change; those that it writes itself are not among them.
    var edits: FieldEdits?
    /// The protocol that a 101 switches to.
    var upgrade: [UInt8]?

    public init(
        delivery: ResponseDelivery, clientMinorVersion: UInt8, drop: KnownFieldSet = [], requestID: RequestID
    ) {
        self.delivery = delivery
        self.clientMinorVersion = clientMinorVersion
        self.drop = drop
        self.requestID = requestID
    }

    /// Bytes that `write` and the end of the head take at most. Fields that the caller adds come on top.
    public func sizeBound(_ head: ResponseHead) -> Int {
        head.headLength + (edits?.size ?? 0) + (upgrade?.count ?? 0) + 128
    }

    /// Writes everything but the empty line at the end, so that fields can be added.
    ///
    /// - Parameter bytes: those that `head` was parsed from.
    public func write(_ head: ResponseHead, _ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        writer.append("HTTP/1.1 ")
        writer.append(decimal: UInt64(head.status))
        writer.append(ASCII.space)
        writer.append(bytes[head.reasonPhrase])
        writer.append("\r\n")
        FieldCopier(
            bytes: bytes, dropped: droppedFields(head), nominatesFields: head.nominatesFields, edits: edits
        ).copy(head.fields, to: &writer)
        edits?.write(to: &writer)

        writer.append("X-Request-Id: ")
        requestID.write(to: &writer)
        writer.append("\r\n")
        if let upgrade { return writer.appendUpgrade(upgrade) }
        writer.appendConnection(keepAlive: delivery.keepAlive, clientMinorVersion: clientMinorVersion)
    }

    private func droppedFields(_ head: ResponseHead) -> KnownFieldSet {
        var dropped = drop.union(.hopByHop)
        dropped.insert(KnownFieldSet(.xRequestID))
        if head.framing != .chunked || delivery.decodesChunks { dropped.insert(KnownFieldSet(.transferEncoding)) }
        // RFC 9110 §8.6: 1xx and 204 must not have it.
        if head.isInterim || head.status == 204 { dropped.insert(KnownFieldSet(.contentLength)) }
        return dropped
    }
}

extension ByteWriter {
    /// The `Connection` field where the version's default is not what will happen (RFC 9112 §9.3).
    mutating func appendConnection(keepAlive: Bool, clientMinorVersion: UInt8) {
        if !keepAlive {
            append("Connection: close\r\n")
        } else if clientMinorVersion == 0 {
            append("Connection: keep-alive\r\n")
        }
    }
}
