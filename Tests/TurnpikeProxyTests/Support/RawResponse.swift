// SPDX-License-Identifier: Apache-2.0

/// An answer as a simple client reads it: written apart from the code under test, so as not to share its mistakes.
struct RawResponse: Sendable {
    let status: Int
    /// Names in lower case.
    let fields: [(name: String, value: String)]
    let content: [UInt8]

    var text: String { String(decoding: content, as: UTF8.self) }

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    init?(_ bytes: [UInt8]) {
        guard let head = Self.head(of: bytes), let status = head.status else { return nil }
        self.status = status
        fields = head.fields
        let rest = Array(bytes[head.length...])
        content = head.isChunked ? Self.chunks(rest)?.content ?? [] : rest
    }

    /// Bytes of the answer at the front; nil while there is more to come.
    static func length(of bytes: [UInt8], toHead: Bool, isClosed: Bool) -> Int? {
        guard let head = head(of: bytes) else { return isClosed && !bytes.isEmpty ? bytes.count : nil }
        if toHead || head.status.map({ $0 < 200 || $0 == 204 || $0 == 304 }) ?? true { return head.length }
        if head.isChunked { return chunks(Array(bytes[head.length...])).map { head.length + $0.length } }
        guard let length = head.contentLength else { return isClosed ? bytes.count : nil }
        return bytes.count >= head.length + length || isClosed ? min(bytes.count, head.length + length) : nil
    }

    private struct Head {
        var length = 0
        var status: Int?
        var fields: [(name: String, value: String)] = []
        var isChunked: Bool { fields.contains { $0 == ("transfer-encoding", "chunked") } }
        var contentLength: Int? { fields.first { $0.name == "content-length" }.flatMap { Int($0.value) } }
    }

    private static func head(of bytes: [UInt8]) -> Head? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        var head = Head(length: end.upperBound)
        head.status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        head.fields = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingPrefix(" ") }
            return (parts[0].lowercased(), parts.count > 1 ? String(parts[1]) : "")
        }
        return head
    }

    private static func chunks(_ bytes: [UInt8]) -> (content: [UInt8], length: Int)? {
        var content: [UInt8] = []
        var offset = 0
        while let line = bytes[offset...].firstRange(of: Array("\r\n".utf8)) {
            guard let size = Int(String(decoding: bytes[offset..<line.lowerBound], as: UTF8.self), radix: 16) else {
                return nil
            }
            let start = line.upperBound
            guard bytes.count >= start + size + 2 else { return nil }
            content += bytes[start..<start + size]
            offset = start + size + 2
            if size == 0 { return (content, offset) }
        }
        return nil
    }
}
