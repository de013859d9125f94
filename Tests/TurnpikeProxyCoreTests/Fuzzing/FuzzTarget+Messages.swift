// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

@testable import TurnpikeProxyCore

extension FuzzTarget {
    /// Small, so that inputs reach them.
    private static let limits = HeadLimits(startLineBytes: 512, fieldCount: 24, headBytes: 2048)

    // MARK: - Requests

    /// A head in pieces is the same head, and one that is taken is read the same by whom it is forwarded to.
    static func checkRequest(_ bytes: [UInt8]) throws {
        var random = bytes.chance
        let whole = parsedRequest(bytes, [bytes.count])
        var lengths = (0..<4).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
        lengths.append(bytes.count)
        let pieced = parsedRequest(bytes, lengths)
        try require(whole.outcome == pieced.outcome, "\(whole.outcome) whole, \(pieced.outcome) in pieces")
        guard case .complete(let length) = whole.outcome else { return }
        try require(length <= bytes.count && length == whole.head.headLength, "a head of \(length)")
        try require(summary(whole.head, bytes) == summary(pieced.head, bytes), "another head in pieces")
        // HTTP/1.0 knows requests without a host. They are forwarded with an empty one, which may be sent (RFC 9112 §3.2) and is
        // not taken here.
        guard !whole.head.authority.isEmpty else { return }

        var normaliser = PathNormaliser()
        let outcome = bytes.withUnsafeBytes { normaliser.normalise($0[whole.head.path]) }
        let path = bytes.withUnsafeBytes { normaliser.withPath(outcome, of: $0[whole.head.path]) { Array($0) } }
        guard let path else { return }
        let stranger = origin(of: whole.head, bytes, from: "198.51.100.7")
        _ = try passOn(whole.head, bytes, path: path, from: stranger)
        let proxied = origin(of: whole.head, bytes, from: "192.0.2.7")
        let (head, sent) = try passOn(whole.head, bytes, path: path, from: proxied)
        // A gateway that trusts this one sees the same client, where it looks as far.
        guard bytes.count(where: { $0 == ASCII.comma }) + whole.head.fields.count < ProxyWalk.mostHops else { return }
        let client = origin(of: head, sent, from: "192.0.2.8").client
        try require(client == proxied.client, "\(client) for \(proxied.client)")
    }

    /// Whom a request comes from, by a gateway that trusts 192.0.2.0/24.
    private static func origin(of head: RequestHead, _ bytes: [UInt8], from peer: String) -> RequestOrigin {
        var origin = RequestOrigin(peer: IPAddress(peer).map { ClientAddress($0) } ?? .unknown, over: .http)
        guard let proxies = TrustedProxies(["192.0.2.0/24"].compactMap { AddressRange($0) }) else { return origin }
        bytes.withUnsafeBytes { origin.find(head, $0, trusting: proxies) }
        return origin
    }

    /// What is forwarded, as it is read again: the same request.
    private static func passOn(
        _ head: RequestHead, _ bytes: [UInt8], path: [UInt8], from origin: RequestOrigin
    ) throws -> (head: RequestHead, sent: [UInt8]) {
        let sent = try forwarded(head, bytes, path: path, from: origin)
        let taken = parsedRequest(sent, [sent.count], limits: HeadLimits())
        guard case .complete(sent.count) = taken.outcome else {
            throw Broken("\(taken.outcome) for what was forwarded: \(sent.text.debugDescription)")
        }
        try expectSame(head, bytes, taken.head, sent, path: path)
        return (taken.head, sent)
    }

    private static func forwarded(
        _ head: RequestHead, _ bytes: [UInt8], path: [UInt8], from origin: RequestOrigin
    ) throws -> [UInt8] {
        let sent = path.withUnsafeBytes { path in
            origin.peer.text.withUnsafeBytes { address in
                bytes.withUnsafeBytes { bytes in
                    var forwarding = RequestForwarding(
                        path: path, clientAddress: address, scheme: origin.scheme, trustsPeer: origin.trustsPeer,
                        requestID: RequestID(high: 1, low: 2),
                        newTrace: TraceParent(traceHigh: 1, traceLow: 2, parent: 3))
                    forwarding.reported = origin.reported?.text
                    return [UInt8](capacity: forwarding.sizeBound(head)) { writer in
                        forwarding.write(head, bytes, to: &writer)
                        writer.appendEndOfHead()
                    }
                }
            }
        }
        guard let sent else { throw Broken("the head does not fit in its bound") }
        return sent
    }

    private static func expectSame(
        _ head: RequestHead, _ bytes: [UInt8], _ other: RequestHead, _ sent: [UInt8], path: [UInt8]
    ) throws {
        try require(bytes[head.methodName] == sent[other.methodName], "another method")
        try require(head.isAsterisk == other.isAsterisk, "another form of target")
        try require(other.isAsterisk || sent[other.path] == path, "another path")
        try require(head.query.map { bytes[$0] } == other.query.map { sent[$0] }, "another query")
        try require(bytes[head.authority] == sent[other.authority], "another authority")
        try require(head.framing == other.framing, "\(head.framing) forwarded as \(other.framing)")
        try require(other.minorVersion == 1 && other.keepAlive && !other.isUpgrade, "another connection")
        // The gateway's own are at the end, and fields that are not its business are all there in their order.
        let named = Set(head.nominatesFields ? nominated(head, bytes) : [])
        let kept = others(head.fields, bytes).filter { !named.contains($0[0].map(ASCII.lowercased)) }
        try require(kept == others(other.fields, sent), "other fields")
    }

    /// Names, in lower case, that `Connection` says are not to be forwarded.
    private static func nominated(_ head: RequestHead, _ bytes: [UInt8]) -> [[UInt8]] {
        head.fields.filter { $0.known == .connection }.flatMap { field in
            bytes[field.value].split(separator: ASCII.comma).map { element in
                // White space within an element is no part of any name, and makes it another.
                let trimmed = element.drop(while: ASCII.isWhitespace).reversed().drop(while: ASCII.isWhitespace)
                return trimmed.reversed().map(ASCII.lowercased)
            }
        }
    }

    /// Fields that neither the gateway nor the protocol knows: name and value.
    private static func others(_ fields: FieldTable, _ bytes: [UInt8]) -> [[[UInt8]]] {
        fields.filter { $0.known == .other }.map { [bytes[$0.name], bytes[$0.value]] }
    }

    private static func parsedRequest(
        _ bytes: [UInt8], _ lengths: [Int], limits: HeadLimits = limits
    ) -> (outcome: ParseOutcome, head: RequestHead) {
        var parser = RequestParser(limits: limits)
        var head = RequestHead()
        var outcome = ParseOutcome.incomplete
        for length in lengths where outcome == .incomplete {
            outcome = Array(bytes.prefix(length)).withUnsafeBytes { parser.parse($0, into: &head) }
        }
        return (outcome, head)
    }

    private static func summary(_ head: RequestHead, _ bytes: [UInt8]) -> String {
        """
        \(head.methodName) \(head.target) \(head.path) \(String(describing: head.query)) \(head.minorVersion) \(head.host) \
        \(head.authority) \(String(describing: head.port)) \(head.framing) \(head.keepAlive) \(head.expectsContinue) \
        \(head.isUpgrade) \(head.nominatesFields) \(head.isAsterisk) \(head.fields.map { "\($0.name) \($0.value) \($0.known)" })
        """
    }

    // MARK: - Responses

    /// The same for answers, of which the client must read the end where the upstream has set it.
    static func checkResponse(_ bytes: [UInt8]) throws {
        var random = bytes.chance
        let answersHead = Int.random(in: 0..<4, using: &random) == 0
        let whole = parsedResponse(bytes, [bytes.count], answersHead)
        var lengths = (0..<4).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
        lengths.append(bytes.count)
        let pieced = parsedResponse(bytes, lengths, answersHead)
        try require(whole.outcome == pieced.outcome, "\(whole.outcome) whole, \(pieced.outcome) in pieces")
        guard case .complete = whole.outcome else { return }
        let head = whole.head
        let isSame =
            head.framing == pieced.head.framing && head.status == pieced.head.status
            && head.keepAlive == pieced.head.keepAlive && Array(head.fields) == Array(pieced.head.fields)
        try require(isSame, "another head in pieces")

        let delivery = ResponseDelivery(head, clientMinorVersion: 1, wantsKeepAlive: true)
        let forwarding = ResponseForwarding(
            delivery: delivery, clientMinorVersion: 1, requestID: RequestID(high: 1, low: 2))
        let sent = bytes.withUnsafeBytes { bytes in
            [UInt8](capacity: forwarding.sizeBound(head)) { writer in
                forwarding.write(head, bytes, to: &writer)
                writer.appendEndOfHead()
            }
        }
        guard let sent else { throw Broken("the head does not fit in its bound") }
        let taken = parsedResponse(sent, [sent.count], answersHead, limits: HeadLimits())
        guard case .complete(sent.count) = taken.outcome else {
            throw Broken("\(taken.outcome) for what was forwarded: \(sent.text.debugDescription)")
        }
        try require(taken.head.status == head.status, "another status")
        try require(sent[taken.head.reasonPhrase] == bytes[head.reasonPhrase], "another reason phrase")
        try require(taken.head.framing == head.framing, "\(head.framing) forwarded as \(taken.head.framing)")
        if !head.isInterim {
            try require(taken.head.keepAlive == delivery.keepAlive, "another connection: \(delivery)")
        }
        if !head.nominatesFields {
            try require(others(head.fields, bytes) == others(taken.head.fields, sent), "other fields")
        }
    }

    private static func parsedResponse(
        _ bytes: [UInt8], _ lengths: [Int], _ answersHead: Bool, limits: HeadLimits = limits
    ) -> (outcome: ParseOutcome, head: ResponseHead) {
        var parser = ResponseParser(limits: limits)
        var head = ResponseHead()
        var outcome = ParseOutcome.incomplete
        for length in lengths where outcome == .incomplete {
            outcome = Array(bytes.prefix(length)).withUnsafeBytes {
                parser.parse($0, answersHead: answersHead, into: &head)
            }
        }
        return (outcome, head)
    }

    // MARK: - Chunks

    /// Content in pieces is the same content, for each of the three who read chunks; and what is framed anew is too.
    static func checkChunks(_ bytes: [UInt8]) throws {
        var random = bytes.chance
        let whole = decoded([bytes])
        let pieced = decoded(bytes.pieces(&random))
        try require(whole == pieced, "\(whole) whole, \(pieced) in pieces")
        try require(decoded(bytes.map { [$0] }) == whole, "other content byte by byte")

        var reader = BodyReader(.chunked)
        let progress = bytes.withUnsafeBytes { bytes in Result { () throws(HTTPFault) in try reader.advance(bytes) } }
        switch (progress, whole.end) {
        case (.success(let progress), .reached(let end)):
            try require(progress.isComplete && progress.consumed == end, "a relay ends elsewhere")
            try require(reader.payloadBytes == UInt64(whole.payload.count), "a relay counts otherwise")
        case (.success(let progress), .open): try require(!progress.isComplete, "a relay ends too soon")
        case (.failure(let fault), .broken(let other)): try require(fault == other, "a relay says \(fault)")
        default: throw Broken("a relay: \(progress), but \(whole.end)")
        }

        guard !whole.payload.isEmpty else { return }
        let writer = HTTP1ContentWriter(framing: .chunked)
        let framed = writer.prefix(whole.payload.count) + whole.payload + writer.suffix + writer.end
        try require(
            decoded([framed]) == Decoded(payload: whole.payload, end: .reached(framed.count)),
            "framed anew, another content")
    }

    private struct Decoded: Equatable {
        enum End: Equatable {
            case open
            case reached(Int)
            case broken(HTTPFault)
        }

        var payload: [UInt8] = []
        var trailers: [String] = []
        var end = End.open
    }

    private static func decoded(_ pieces: [[UInt8]]) -> Decoded {
        var decoder = ChunkDecoder(keepsTrailers: true)
        var result = Decoded()
        var before = 0
        for piece in pieces where result.end == .open {
            piece.withUnsafeBytes { bytes in
                var offset = 0
                do throws(HTTPFault) {
                    while true {
                        switch try decoder.next(in: bytes, at: &offset) {
                        case .payload(let range): result.payload += bytes[range]
                        case .needMore: return
                        case .end:
                            result.end = .reached(before + offset)
                            return
                        }
                    }
                } catch {
                    result.end = .broken(error)
                }
            }
            before += piece.count
        }
        result.trailers = decoder.trailers.map { "\($0.name): \($0.value)" }
        return result
    }
}
