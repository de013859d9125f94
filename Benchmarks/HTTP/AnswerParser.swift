// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Takes answers of HTTP/1.1 apart, as far as our own programs write them: with a length, in chunks, or without a body.
///
/// Client and server share the cores of one machine here, so what the client spends is missing to the server. NIO's own
/// decoder makes a list of all header fields for each answer; nobody here looks at them.
struct AnswerParser {
    enum Event {
        case head(status: Int)
        case body(ByteBuffer)
        case end
    }

    struct Malformed: Error {}

    private enum Place {
        case head
        case body(left: Int)
        case chunkHead
        case chunk(left: Int)
        case chunkEnd
        case trailer
        case done
    }

    private var place = Place.head

    /// The next event in the bytes; `nil` where more of them are needed.
    mutating func next(_ bytes: inout ByteBuffer) throws(Malformed) -> Event? {
        while true {
            switch place {
            case .head: return try head(&bytes)
            case .body(let left):
                guard let piece = bytes.readSlice(length: min(left, bytes.readableBytes)) else { throw Malformed() }
                guard piece.readableBytes > 0 else { return nil }
                place = left == piece.readableBytes ? .done : .body(left: left - piece.readableBytes)
                return .body(piece)
            case .chunkHead:
                guard let line = line(&bytes) else { return nil }
                let digits = line.prefix { $0 != UInt8(ascii: ";") }
                guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16) else { throw Malformed() }
                place = size == 0 ? .trailer : .chunk(left: size)
            case .chunk(let left):
                guard let piece = bytes.readSlice(length: min(left, bytes.readableBytes)) else { throw Malformed() }
                guard piece.readableBytes > 0 else { return nil }
                place = left == piece.readableBytes ? .chunkEnd : .chunk(left: left - piece.readableBytes)
                return .body(piece)
            case .chunkEnd:
                guard line(&bytes) != nil else { return nil }
                place = .chunkHead
            case .trailer:
                guard let line = line(&bytes) else { return nil }
                if line.isEmpty { place = .done }
            case .done:
                place = .head
                return .end
            }
        }
    }

    private mutating func head(_ bytes: inout ByteBuffer) throws(Malformed) -> Event? {
        let view = bytes.readableBytesView
        guard let end = endOfHead(view) else { return nil }
        let lines = view[..<end].split(separator: UInt8(ascii: "\n"))
        guard let status = lines.first.flatMap({ Int(String(decoding: $0.dropFirst(9).prefix(3), as: UTF8.self)) })
        else { throw Malformed() }
        place = status == 204 || status == 304 ? .done : .body(left: 0)
        for line in lines.dropFirst() {
            if let value = value(of: "content-length:", in: line) {
                guard let length = Int(value) else { throw Malformed() }
                place = length == 0 ? .done : .body(left: length)
            } else if let value = value(of: "transfer-encoding:", in: line), value == "chunked" {
                place = .chunkHead
            }
        }
        if case .body(left: 0) = place { place = .done }
        bytes.moveReaderIndex(to: end)
        return .head(status: status)
    }

    /// The place behind the empty line.
    private func endOfHead(_ bytes: ByteBufferView) -> Int? {
        var newlines = 0
        for (place, byte) in zip(bytes.indices, bytes) {
            if byte == UInt8(ascii: "\n") {
                newlines += 1
                if newlines == 2 { return place + 1 }
            } else if byte != UInt8(ascii: "\r") {
                newlines = 0
            }
        }
        return nil
    }

    private func value(of name: StaticString, in line: ByteBufferView.SubSequence) -> String? {
        guard line.count > name.utf8CodeUnitCount else { return nil }
        for (place, byte) in line.prefix(name.utf8CodeUnitCount).enumerated()
        where byte | 0x20 != name.utf8Start[place] | 0x20 { return nil }
        let text = String(decoding: line.dropFirst(name.utf8CodeUnitCount), as: UTF8.self)
        return text.filter { !$0.isWhitespace }.lowercased()
    }

    private func line(_ bytes: inout ByteBuffer) -> ByteBufferView.SubSequence? {
        let view = bytes.readableBytesView
        guard let newline = view.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        bytes.moveReaderIndex(to: newline + 1)
        let line = view[view.startIndex..<newline]
        return line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    }
}
