// SPDX-License-Identifier: Apache-2.0

/// Rewrites the head of a request for an upstream, always as HTTP/1.1.
///
/// Written are: method, normalised path and query; `Host` first; the fields as they came, without hop-by-hop ones,
/// those that `Connection` names, and those to `drop`; the wish to switch protocols, where the gateway has one; then `X-Forwarded-For`, `-Proto`, `-Host`, `X-Request-Id` and
/// `traceparent`. What a client says in `X-Forwarded-*`, `Forwarded` and `X-Real-IP` is dropped, unless the peer is
/// trusted: then its address is appended to `X-Forwarded-For`, and to `Forwarded` (RFC 7239) where that is there; the others
/// stay if they are there. What an upstream that reads `_` as `-` would take for a field that the gateway understands
/// (``KnownField/lookalike``) is dropped in any case, and so is `Proxy`.
///
/// ```swift
/// let forwarding = RequestForwarding(path: path, clientAddress: peer, scheme: .https, requestID: id, newTrace: trace)
/// buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: forwarding.sizeBound(head)) { memory in
///     var writer = ByteWriter(memory)
///     forwarding.write(head, bytes, to: &writer)
///     writer.appendEndOfHead()
///     return writer.count
/// }
/// ```
/// Holds pointers of the caller's: for the stack, within the call that made it.
public struct RequestForwarding {
    public enum Scheme: Sendable { case http, https }

    /// The normalised path; ignored for `OPTIONS *`.
    public var path: UnsafeRawBufferPointer
    /// Sent as `Host` in place of the client's; nil keeps that. `X-Forwarded-Host` is always the client's.
    public var host: UnsafeRawBufferPointer?
    /// The peer's address as text, without its port.
    public var clientAddress: UnsafeRawBufferPointer
    /// What the client spoke, as far as is known.
    public var scheme: Scheme
    /// What the peer spoke. Default: as the client.
    var peerScheme: Scheme
    /// The address that a trusted peer has told of, which begins `X-Forwarded-For` where the request has none.
    var reported: [UInt8]?
    /// The peer is a proxy of ours, whose forwarding fields are believed. Default false.
    public var trustsPeer: Bool
    /// Fields that stop here: the credential's, and `Expect` where the gateway has answered it.
    public var drop: KnownFieldSet
    public var requestID: RequestID
    /// Of fields that are the gateway's to change; those that it writes itself are not among them.
    var edits: FieldEdits?
    /// The protocol that the upstream is asked to switch to, in place of those that the client has asked for.
    var upgrade: [UInt8]?
    /// Used where the request has no valid `traceparent`; the client's `tracestate` is then dropped with it.
    public var newTrace: TraceParent
    /// `newTrace` takes the place of the client's `traceparent`, of which it is part; `tracestate` stays. It is the head's last
    /// field in any case. Default false.
    var replacesTrace = false

    public init(
        path: UnsafeRawBufferPointer, host: UnsafeRawBufferPointer? = nil, clientAddress: UnsafeRawBufferPointer,
        scheme: Scheme, trustsPeer: Bool = false, drop: KnownFieldSet = [], requestID: RequestID, newTrace: TraceParent
    ) {
        self.path = path
        self.host = host
        self.clientAddress = clientAddress
        self.scheme = scheme
        peerScheme = scheme
        self.trustsPeer = trustsPeer
        self.drop = drop
        self.requestID = requestID
        self.newTrace = newTrace
    }

    /// Bytes that `write` and the end of the head take at most. Fields that the caller adds come on top.
    public func sizeBound(_ head: RequestHead) -> Int {
        // The authority appears twice more than it was sent, and the peer's address twice; 360 covers the names and ids that
        // are added.
        head.headLength + path.count + (host?.count ?? 0) + 2 * head.authority.count + 2 * clientAddress.count + 360
            + 2 * head.fields.count + (edits?.size ?? 0) + (upgrade.map { $0.count + 32 } ?? 0) + (reported?.count ?? 0)
    }

    /// Writes everything but the empty line at the end, so that fields can be added.
    ///
    /// - Parameter bytes: those that `head` was parsed from.
    public func write(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        writeRequestLine(head, bytes, to: &writer)
        writer.appendField("Host", host ?? bytes[head.authority])

        let hasTrace = TraceParent(of: head, in: bytes) != nil
        FieldCopier(
            bytes: bytes, dropped: droppedFields(head, hasTrace: hasTrace), nominatesFields: head.nominatesFields,
            edits: edits
        ).copy(head.fields, to: &writer)
        edits?.write(to: &writer)
        if let upgrade { writer.appendUpgrade(upgrade) }

        writeForwardedFor(head, bytes, to: &writer)
        if continuesForwarded(head) { writeForwarded(head, bytes, to: &writer) }
        if !(trustsPeer && head.fields.present.has(.xForwardedProto)) {
            writer.appendField("X-Forwarded-Proto", scheme == .https ? "https" : "http")
        }
        if !(trustsPeer && head.fields.present.has(.xForwardedHost)), !head.authority.isEmpty {
            writer.appendField("X-Forwarded-Host", bytes[head.authority])
        }
        writer.append("X-Request-Id: ")
        requestID.write(to: &writer)
        writer.append("\r\n")
        if replacesTrace || !hasTrace {
            writer.append("traceparent: ")
            newTrace.write(to: &writer)
            writer.append("\r\n")
        }
    }

    private func writeRequestLine(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter
    ) {
        writer.append(bytes[head.methodName])
        writer.append(ASCII.space)
        if head.isAsterisk {
            writer.append("*")
        } else {
            writer.append(path)
            if let query = head.query {
                writer.append(ASCII.question)
                writer.append(bytes[query])
            }
        }
        writer.append(" HTTP/1.1\r\n")
    }

    private func droppedFields(_ head: RequestHead, hasTrace: Bool) -> KnownFieldSet {
        var dropped = drop.union(.hopByHop)
        dropped.formUnion([.init(.host), .init(.xRequestID), .init(.proxy), .init(.lookalike)])
        // Appended to below, and so written anew.
        dropped.formUnion(trustsPeer ? [KnownFieldSet(.xForwardedFor), KnownFieldSet(.forwarded)] : .forwarding)
        if replacesTrace || !hasTrace { dropped.formUnion(KnownFieldSet(.traceparent)) }
        if !hasTrace { dropped.formUnion(KnownFieldSet(.tracestate)) }
        return dropped
    }

    private func writeForwardedFor(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter
    ) {
        writer.append("X-Forwarded-For: ")
        if trustsPeer, head.fields.present.has(.xForwardedFor) {
            writeValues(of: .xForwardedFor, head, bytes, to: &writer)
        } else if let reported {
            reported.withUnsafeBytes { writer.append($0) }
            writer.append(", ")
        }
        writer.append(clientAddress)
        writer.append("\r\n")
    }

    /// The route's own changes to a field stand over what came in it.
    private func continuesForwarded(_ head: RequestHead) -> Bool {
        guard trustsPeer, head.fields.present.has(.forwarded) else { return false }
        return edits?.drops("forwarded") != true
    }

    private func writeForwarded(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        writer.append("Forwarded: ")
        writeValues(of: .forwarded, head, bytes, to: &writer)
        writer.append("for=")
        // RFC 7239 §6: brackets around an address of IPv6, and quotes around these.
        let isIPv6 = clientAddress.contains(ASCII.colon)
        if isIPv6 { writer.append("\"[") }
        writer.append(clientAddress)
        if isIPv6 { writer.append("]\"") }
        writer.append(peerScheme == .https ? ";proto=https\r\n" : ";proto=http\r\n")
    }

    /// What was told so far, as one list that goes on.
    private func writeValues(
        of known: KnownField, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, to writer: inout ByteWriter
    ) {
        for field in head.fields where field.known == known && !field.value.isEmpty {
            writer.append(bytes[field.value])
            writer.append(", ")
        }
    }
}
