// SPDX-License-Identifier: Apache-2.0

/// Reads the answer that the engine gives as HTTP/1.1, for it to be sent over HTTP/2 (RFC 9113 §8.3.2).
public struct HTTP1ResponseReader: Sendable {
    /// What is to be sent, in this order: heads, the last of which is the answer's own; content; the end.
    public enum Part {
        /// `isLast`: nothing follows, and no end is told.
        case head(status: Int, fields: [(name: String, value: String)], isLast: Bool)
        /// Valid within the call.
        case content(UnsafeRawBufferPointer)
        /// Trailers may be none.
        case end(trailers: [(name: String, value: String)])
    }

    private let answersHead: Bool
    private var parser: ResponseParser
    private var head = ResponseHead()
    private var content: HTTP1ContentReader?
    private var backlog: [UInt8] = []

    /// - Parameter answersHead: the request was HEAD.
    public init(answersHead: Bool, limits: HeadLimits) {
        self.answersHead = answersHead
        parser = ResponseParser(limits: limits)
    }

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
                send(.head(status: head.status, fields: fields(of: rest), isLast: isComplete))
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

    private func fields(of bytes: UnsafeRawBufferPointer) -> [(name: String, value: String)] {
        head.fields.compactMap { field in
            switch field.known {
            case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade: nil
            default: (bytes.lowercasedText(field.name), bytes.text(field.value))
            }
        }
    }
}

extension UnsafeRawBufferPointer {
    func text(_ range: ByteRange) -> String { String(decoding: self[range], as: UTF8.self) }

    func lowercasedText(_ range: ByteRange) -> String {
        let bytes = self[range]
        return String(unsafeUninitializedCapacity: bytes.count) { text in
            for offset in 0..<bytes.count { text[offset] = ASCII.lowercased(bytes[offset]) }
            return bytes.count
        }
    }
}
