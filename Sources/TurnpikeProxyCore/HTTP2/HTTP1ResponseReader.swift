// SPDX-License-Identifier: Apache-2.0

/// Reads the answer that the engine gives as HTTP/1.1, for it to be sent over HTTP/2 (RFC 9113 §8.3.2).
public struct HTTP1ResponseReader: Sendable {
    /// What is to be sent, in this order: heads, the last of which is the answer's own; content; the end.
    public enum Part {
        /// `isLast`: nothing follows, and no end is told.
        case head(Head, isLast: Bool)
        /// Valid within the call.
        case content(UnsafeRawBufferPointer)
        /// Trailers may be none.
        case end(trailers: [(name: String, value: String)])
    }

    /// The head of one answer. Valid within the call.
    public struct Head {
        public let status: Int
        let bytes: UnsafeRawBufferPointer
        let table: FieldTable

        /// Hands out the fields that are not of the connection's making, their names as they came.
        func forEach(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
            for place in 0..<table.count {
                let field = table[place]
                switch field.known {
                case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade: break
                default: body(bytes[field.name], bytes[field.value])
                }
            }
        }

        /// The same as text, names in lower case.
        public var fields: [(name: String, value: String)] {
            var fields: [(name: String, value: String)] = []
            forEach { fields.append(($0.lowercasedText, $1.text)) }
            return fields
        }
    }

    private var answersHead: Bool
    private var parser: ResponseParser
    private var head = ResponseHead()
    private var content: HTTP1ContentReader?
    private var backlog: [UInt8] = []

    /// - Parameter answersHead: the request was HEAD.
    public init(answersHead: Bool, limits: HeadLimits) {
        self.answersHead = answersHead
        parser = ResponseParser(limits: limits)
    }

    /// Begins anew, with another answer.
    mutating func reset(answersHead: Bool) {
        self.answersHead = answersHead
        parser.reset()
        content = nil
        backlog.removeAll(keepingCapacity: true)
    }

    /// The answer's own head was told.
    var hasBegun: Bool { content != nil }
    /// The answer was told to its end.
    public var isComplete: Bool { content?.isComplete ?? false }
    /// The answer is whole if the engine closes now.
    public var mayEndNow: Bool { content?.mayEndNow ?? false }

    /// - Throws: `HTTPFault` where this is no answer, which the engine never gives.
    public mutating func read(_ bytes: UnsafeRawBufferPointer, _ send: (Part) -> Void) throws {
        guard content == nil else { return try readContent(bytes, send) }
        guard !backlog.isEmpty else { return try readHeads(bytes, send) }
        let held = backlog + bytes
        backlog = []
        try held.withUnsafeBytes { held in try readHeads(held, send) }
    }

    private mutating func readHeads(_ bytes: UnsafeRawBufferPointer, _ send: (Part) -> Void) throws {
        var rest = bytes
        while content == nil {
            switch parser.parse(rest, answersHead: answersHead, into: &head) {
            case .fault(let fault): throw fault
            case .incomplete:
                backlog = Array(rest)
                return
            case .complete(let length):
                if !head.isInterim { content = HTTP1ContentReader(head.framing) }
                send(.head(Head(status: head.status, bytes: rest, table: head.fields), isLast: isComplete))
                rest = UnsafeRawBufferPointer(rebasing: rest[length...])
            }
        }
        if !rest.isEmpty, !isComplete { try readContent(rest, send) }
    }

    private mutating func readContent(_ bytes: UnsafeRawBufferPointer, _ send: (Part) -> Void) throws {
        guard !isComplete else { return }
        try content?.read(bytes) { if !$0.isEmpty { send(.content($0)) } }
        if isComplete { send(.end(trailers: content?.trailers ?? [])) }
    }
}

extension UnsafeRawBufferPointer {
    var text: String { String(decoding: self, as: UTF8.self) }

    var lowercasedText: String {
        String(unsafeUninitializedCapacity: count) { text in
            for offset in 0..<count { text[offset] = ASCII.lowercased(self[offset]) }
            return count
        }
    }

    func text(_ range: ByteRange) -> String { self[range].text }

    func lowercasedText(_ range: ByteRange) -> String { self[range].lowercasedText }
}
