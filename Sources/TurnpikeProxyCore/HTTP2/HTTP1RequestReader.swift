// SPDX-License-Identifier: Apache-2.0

/// Reads a request that the engine forwards as HTTP/1.1, for it to be sent over HTTP/2 (RFC 9113 §8.3.1).
public struct HTTP1RequestReader: Sendable {
    /// What is to be sent, in this order.
    public enum Part {
        /// `isLast`: nothing follows, and no end is told.
        case head(Head, isLast: Bool)
        /// Valid within the call.
        case content(UnsafeRawBufferPointer)
        /// Trailers may be none.
        case end(trailers: [(name: String, value: String)])
    }

    public struct Head: Sendable {
        public let method: String
        public let authority: String
        /// Path and query, or `*`.
        public let target: String
        public let fields: [(name: String, value: String)]
    }

    private var parser: RequestParser
    private var head = RequestHead()
    private var content: HTTP1ContentReader?
    private var backlog: [UInt8] = []

    public init(limits: HeadLimits) { parser = RequestParser(limits: limits) }

    /// The request was told to its end.
    public var isComplete: Bool { content?.isComplete ?? false }

    /// - Throws: `HTTPFault` where this is no request, which the engine never sends.
    public mutating func read(_ bytes: UnsafeRawBufferPointer, _ send: (Part) -> Void) throws {
        guard content == nil else { return try readContent(bytes, send) }
        guard !backlog.isEmpty else { return try readHead(bytes, send) }
        let held = backlog + bytes
        backlog = []
        try held.withUnsafeBytes { held in try readHead(held, send) }
    }

    private mutating func readHead(_ bytes: UnsafeRawBufferPointer, _ send: (Part) -> Void) throws {
        switch parser.parse(bytes, into: &head) {
        case .fault(let fault): throw fault
        case .incomplete: backlog = Array(bytes)
        case .complete(let length):
            content = HTTP1ContentReader(head.framing)
            send(.head(told(bytes), isLast: isComplete))
            if length < bytes.count { try readContent(UnsafeRawBufferPointer(rebasing: bytes[length...]), send) }
        }
    }

    private mutating func readContent(_ bytes: UnsafeRawBufferPointer, _ send: (Part) -> Void) throws {
        guard !isComplete else { return }
        try content?.read(bytes) { if !$0.isEmpty { send(.content($0)) } }
        if isComplete { send(.end(trailers: content?.trailers ?? [])) }
    }

    private func told(_ bytes: UnsafeRawBufferPointer) -> Head {
        var fields: [(name: String, value: String)] = []
        var isGRPC = false
        for field in head.fields {
            switch field.known {
            case .host, .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .te: continue
            default: break
            }
            let (name, value) = (bytes.lowercasedText(field.name), bytes.text(field.value))
            if name == "content-type", HTTP2FieldRules.isGRPC(contentType: value) { isGRPC = true }
            fields.append((name, value))
        }
        // A server of gRPC's may refuse who does not say that trailers reach it, and through this gateway they do.
        if isGRPC { fields.append(("te", "trailers")) }
        return Head(
            method: bytes.text(head.methodName), authority: bytes.text(head.authority), target: bytes.text(head.target),
            fields: fields)
    }
}
