// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// What conditions look at: one request, as it lies in its bytes.
///
/// Holds pointers of the caller's: for the stack, within the call that made it. Only what a route asks for is looked up.
public struct RequestFacts {
    /// As on the wire.
    public let method: UnsafeRawBufferPointer
    /// Without port and final dot, in any case.
    public let host: UnsafeRawBufferPointer
    /// In normal form (``PathNormaliser``), without query.
    public let path: UnsafeRawBufferPointer
    /// The client's, where it is known.
    let address: IPAddress?
    private let fields: FieldTable
    private let bytes: UnsafeRawBufferPointer
    private let query: UnsafeRawBufferPointer
    private let scratch: ByteStage

    /// A request without fields and query.
    public init(method: UnsafeRawBufferPointer, host: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer) {
        self.method = method
        self.host = host
        self.path = path
        address = nil
        fields = FieldTable()
        bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        query = bytes
        scratch = ByteStage()
    }

    /// - Parameters:
    ///   - bytes: those that `head` was parsed from.
    ///   - path: in normal form.
    ///   - scratch: for values that have to be decoded; what it holds is lost.
    init(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer, address: IPAddress?,
        scratch: ByteStage
    ) {
        fields = head.fields
        self.bytes = bytes
        query = head.query.map { bytes[$0] } ?? UnsafeRawBufferPointer(start: nil, count: 0)
        method = bytes[head.methodName]
        host = bytes[head.host]
        self.path = path
        self.address = address
        self.scratch = scratch
    }

    /// The value of a subject other than the address; nil where there is none. Valid until the next call.
    func value(of subject: ConditionProgram.Subject, named name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        switch subject {
        case .header: fields.first(named: name, in: bytes).map { bytes[$0.value] }
        case .query: QueryPairs(query).first(named: name).map(decoded)
        case .cookie: fields.cookie(named: name, in: bytes)
        case .method: method
        case .path: path
        case .host: lowercased(host)
        case .address: nil
        }
    }

    private func decoded(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard text.contains(where: { $0 == ASCII.percent || $0 == ASCII.plus }) else { return text }
        return rewritten(atMost: text.count) { writer in
            var offset = 0
            while offset < text.count { writer.append(FormEncoding.next(text, &offset)) }
        }
    }

    private func lowercased(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard text.contains(where: { $0 != ASCII.lowercased($0) }) else { return text }
        return rewritten(atMost: text.count) { writer in
            for byte in text { writer.append(ASCII.lowercased(byte)) }
        }
    }

    private func rewritten(
        atMost bound: Int, _ write: (inout ByteWriter) -> Void
    ) -> UnsafeRawBufferPointer {
        scratch.removeAll()
        let range = scratch.write(atMost: bound, write)
        return scratch.bytes[range]
    }
}

/// How browsers and most clients encode parameters (`application/x-www-form-urlencoded`, by the URL standard): `+` for a
/// space, `%41` for a byte; a `%` that begins no encoding stands for itself.
enum FormEncoding {
    @inline(__always)
    static func next(_ text: UnsafeRawBufferPointer, _ offset: inout Int) -> UInt8 {
        let byte = text[offset]
        if byte == ASCII.percent, offset + 2 < text.count, let high = ASCII.hexValue(text[offset + 1]),
            let low = ASCII.hexValue(text[offset + 2])
        {
            offset += 3
            return high << 4 | low
        }
        offset += 1
        return byte == ASCII.plus ? ASCII.space : byte
    }

    /// Whether the text reads so once decoded.
    static func equals(_ text: UnsafeRawBufferPointer, _ plain: UnsafeRawBufferPointer) -> Bool {
        guard text.count >= plain.count else { return false }
        var offset = 0
        for byte in plain {
            guard offset < text.count, next(text, &offset) == byte else { return false }
        }
        return offset == text.count
    }
}

/// The parameters of a query.
struct QueryPairs {
    private let query: UnsafeRawBufferPointer

    init(_ query: UnsafeRawBufferPointer) { self.query = query }

    /// The value, still encoded, of the first parameter of that name; empty where it has no `=`.
    func first(named name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        var start = 0
        while start < query.count {
            var end = start
            var equals = -1
            while end < query.count, query[end] != ASCII.ampersand {
                if query[end] == ASCII.equals, equals < 0 { equals = end }
                end += 1
            }
            let nameEnd = equals < 0 ? end : equals
            if nameEnd > start, FormEncoding.equals(query[ByteRange(start, nameEnd)], name) {
                return query[ByteRange(min(nameEnd + 1, end), end)]
            }
            start = end + 1
        }
        return nil
    }
}
