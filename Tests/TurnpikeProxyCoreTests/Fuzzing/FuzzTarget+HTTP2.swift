// SPDX-License-Identifier: Apache-2.0

@testable import TurnpikeProxyCore

extension FuzzTarget {
    /// Lines of `name: value`, then an empty line and content. As a request of HTTP/2 they are refused, or written as exactly
    /// one of HTTP/1.1 that says the same; the same for an answer.
    static func checkHTTP2(_ bytes: [UInt8]) throws {
        let (fields, content) = fields(bytes)
        let endsStream = content.isEmpty
        var written: [UInt8] = []
        if let writer = try? HTTP1RequestWriter.write(fields, endsStream: endsStream, to: &written) {
            try checkRequest(fields, written, content, writer)
        }
        var answer: [UInt8] = []
        if let writer = try? HTTP1ResponseWriter.write(
            fields, endsStream: endsStream, answersHead: false, to: &answer)
        {
            try checkResponse(answer, fields, content, writer)
        }
    }

    private static func checkRequest(
        _ fields: [(name: String, value: String)], _ written: [UInt8], _ content: [UInt8], _ writer: HTTP1ContentWriter
    ) throws {
        var parser = RequestParser(limits: HeadLimits(fieldCount: 10_000, headBytes: 1 << 20))
        var head = RequestHead()
        let outcome = written.withUnsafeBytes { parser.parse($0, into: &head) }
        // The engine judges what is written, and may refuse it; it must not read less than all of it.
        guard case .complete(let length) = outcome else {
            if case .incomplete = outcome { throw Broken("no end of the head: \(written.text.debugDescription)") }
            return
        }
        try require(length == written.count, "more than one request: \(written.text.debugDescription)")
        func value(_ name: String) -> [UInt8]? { fields.first { $0.name == name }.map { Array($0.value.utf8) } }
        try require(written[head.methodName] == value(":method"), "another method")
        try require(written[head.target] == value(":path"), "another target")
        try require(written[head.authority] == value(":authority") ?? value("host"), "another authority")
        if content.isEmpty {
            try require(head.framing != .chunked, "content where the stream has ended")
        } else if head.framing == .none {
            throw Broken("no content where the stream has some")
        }
        if head.framing == .chunked {
            let framed = writer.prefix(content.count) + content + writer.suffix + writer.end
            var reader = BodyReader(.chunked)
            let progress = try framed.withUnsafeBytes { try reader.advance($0) }
            try require(progress.isComplete && progress.consumed == framed.count, "other content")
        }
        let kept = fields.filter { !$0.name.hasPrefix(":") && !["cookie", "host", "te"].contains($0.name) }
        let read = head.fields.map { (name: written[$0.name].text, value: written[$0.value].text) }
            .filter { !["cookie", "host", "transfer-encoding"].contains($0.name) }
        try require(
            read.map { "\($0.name): \($0.value)" } == kept.map { "\($0.name): \($0.value)" },
            "other fields: \(written.text.debugDescription)")
    }

    private static func checkResponse(
        _ written: [UInt8], _ fields: [(name: String, value: String)], _ content: [UInt8], _ writer: HTTP1ContentWriter?
    ) throws {
        var parser = ResponseParser(limits: HeadLimits(fieldCount: 10_000, headBytes: 1 << 20))
        var head = ResponseHead()
        let outcome = written.withUnsafeBytes { parser.parse($0, answersHead: false, into: &head) }
        guard case .complete(let length) = outcome else {
            if case .incomplete = outcome { throw Broken("no end of the head: \(written.text.debugDescription)") }
            return
        }
        try require(length == written.count, "more than one answer: \(written.text.debugDescription)")
        try require("\(head.status)" == fields.first { $0.name == ":status" }?.value, "another status")
        try require(head.isInterim == (writer == nil), "an interim answer with content")
        try require(head.framing != .untilClose, "an answer whose end is not told")
    }

    /// In values, `\r` and `\n` stand for what they mean elsewhere.
    private static func fields(_ bytes: [UInt8]) -> (fields: [(name: String, value: String)], content: [UInt8]) {
        var fields: [(name: String, value: String)] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let line = rest.prefix { $0 != ASCII.lf }
            rest = rest.dropFirst(line.count + 1)
            if line.isEmpty { return (fields, Array(rest)) }
            // A pseudo-field's colon is part of its name.
            let name = line.prefix(1) + line.dropFirst().prefix { $0 != ASCII.colon }
            var value = line.dropFirst(name.count + 1)
            if value.first == ASCII.space { value = value.dropFirst() }
            fields.append((name: unescaped(name), value: unescaped(value)))
        }
        return (fields, [])
    }

    private static func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
        var result: [UInt8] = []
        var isEscaped = false
        for byte in bytes {
            switch (isEscaped, byte) {
            case (false, UInt8(ascii: "\\")): isEscaped = true
            case (true, UInt8(ascii: "r")): (isEscaped, result) = (false, result + [ASCII.cr])
            case (true, UInt8(ascii: "n")): (isEscaped, result) = (false, result + [ASCII.lf])
            default: (isEscaped, result) = (false, result + [byte])
            }
        }
        return result.text
    }
}
