// SPDX-License-Identifier: Apache-2.0

/// Writes the head of a request that came over HTTP/2 as the HTTP/1.1 that the engine reads (RFC 9113 §8.3.1).
///
/// The engine then judges it as any other request. What is refused here is only what would be another request, or more than
/// one, once it is lines of text.
///
/// One writer serves the requests of a connection in turn, and keeps its memory. Confined to its loop.
public final class HTTP1RequestWriter {
    /// Bytes of a head beyond which nothing is added to it.
    private let limit: Int
    private let output = ByteStage()
    private var line = RequestLine()
    private let cookies = ByteStage()
    private var length: UInt64?
    private var fault: HTTP2Fault?
    /// The fields behind the pseudo-fields have begun.
    private var isLineWritten = false
    private(set) var isHEAD = false
    private var hasHost = false

    /// - Parameter limit: bytes of a head; one that has more is cut off behind the first field that does not fit, so that the
    ///   engine sees it as too large.
    init(limit: Int = .max) { self.limit = limit }

    /// Forgets the request before.
    func begin() {
        output.removeAll()
        output.trim(above: Self.keptBytes)
        cookies.removeAll()
        line.reset()
        (length, fault) = (nil, nil)
        (isLineWritten, isHEAD, hasHost) = (false, false, false)
    }

    private static let keptBytes = 4 << 10

    /// The head as far as it is written. Good until the next change.
    var bytes: UnsafeRawBufferPointer { output.bytes }

    // MARK: - Fields

    /// Takes the next field, pseudo-fields first. Nothing is taken any more once one was malformed, or the head is too large: a
    /// byte of a header block can stand for thousands.
    func take(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard fault == nil, output.count + cookies.count <= limit else { return }
        do throws(HTTP2Fault) {
            if name.first == ASCII.colon {
                guard !isLineWritten else { throw .badPseudoField }
                try line.take(name, value)
            } else {
                if !isLineWritten { try writeLine() }
                try takeField(name, value)
            }
        } catch {
            fault = error
        }
    }

    private func writeLine() throws(HTTP2Fault) {
        isLineWritten = true
        try line.write(to: output)
    }

    private func takeField(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(HTTP2Fault) {
        switch try HTTP2FieldRules.check(name: name, value: value) {
        case .other where name.equals("cookie"):
            // A client may send each cookie as a field of its own (RFC 9113 §8.2.3).
            if cookies.count > 0 { cookies.append("; ") }
            _ = cookies.append(value)
        // Beside the same `:authority` it says nothing; another one, or one more, is the engine's to refuse.
        case .host where !hasHost && line.isAuthority(value): hasHost = true
        case .te: guard value.equalsIgnoringCase("trailers") else { throw .connectionField }
        case .contentLength:
            guard length == nil, let told = value.decimal() else { throw .badFieldValue }
            length = told
            append(name, value)
        default: append(name, value)
        }
    }

    private var isTooLarge: Bool { output.count > limit }

    private func append(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard !isTooLarge else { return }
        output.appendField(name, value)
    }

    // MARK: - The end

    /// Ends the head, which ``bytes`` then are.
    ///
    /// - Parameter endsStream: no content follows, nor trailers.
    /// - Returns: how the content is to be written.
    /// - Throws: where the request is malformed; ``bytes`` are of no use then.
    func end(endsStream: Bool) throws(HTTP2Fault) -> HTTP1ContentWriter {
        isHEAD = line.isHEAD
        if let fault { throw fault }
        if !isLineWritten { try writeLine() }
        // What was announced has to come (RFC 9113 §8.1.1).
        if endsStream, let length, length > 0 { throw .badFieldValue }
        if cookies.count > 0, !isTooLarge {
            output.append("cookie: ")
            _ = output.append(cookies.bytes)
            output.append("\r\n")
        }
        let content = HTTP1ContentWriter(
            framing: endsStream ? .none : length == nil ? .chunked : .length, length: length,
            headWaits: !endsStream && length == 0)
        if content.framing == .chunked { output.append("transfer-encoding: chunked\r\n") }
        if !isTooLarge { output.append("\r\n") }
        return content
    }

    // MARK: - Trailers

    /// Takes a field behind chunked content, once ``beginTrailers()`` was called. Those that HTTP/1.1 does not take as such
    /// (RFC 9110 §6.5.1) are left out.
    func takeTrailer(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard fault == nil, !isTooLarge else { return }
        do throws(HTTP2Fault) {
            guard name.first != ASCII.colon else { throw .badPseudoField }
            if try HTTP2FieldRules.check(name: name, value: value) == .other { append(name, value) }
        } catch {
            fault = error
        }
    }

    /// What came as trailers has a field that only requests have, and is malformed.
    var hasPseudoTrailer: Bool { fault == .badPseudoField }

    func beginTrailers() {
        begin()
        output.append("0\r\n")
    }

    /// Ends the message, whose last bytes ``bytes`` then are.
    ///
    /// - Throws: where a trailer is malformed.
    func endTrailers() throws(HTTP2Fault) {
        if let fault { throw fault }
        guard !isTooLarge else { throw .tooLarge }
        output.append("\r\n")
    }

    /// Method, path and authority, which may come in any order.
    private struct RequestLine {
        private let text = ByteStage()
        private var method: ByteRange?
        private var scheme: ByteRange?
        private var path: ByteRange?
        private var authority: ByteRange?

        var isHEAD: Bool { method.map { text.bytes[$0].equals("HEAD") } ?? false }

        func isAuthority(_ value: UnsafeRawBufferPointer) -> Bool {
            authority.map { text.bytes[$0].elementsEqual(value) } ?? false
        }

        mutating func reset() {
            text.removeAll()
            text.trim(above: HTTP1RequestWriter.keptBytes)
            (method, scheme, path, authority) = (nil, nil, nil, nil)
        }

        mutating func take(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(HTTP2Fault) {
            if name.equals(":method") {
                try set(&method, value, HTTP2FieldRules.isToken(value))
            } else if name.equals(":path") {
                try set(&path, value, HTTP2FieldRules.isTarget(value))
            } else if name.equals(":authority") {
                try set(&authority, value, HTTP2FieldRules.isTarget(value))
            } else if name.equals(":scheme") {
                try set(&scheme, value, value.equals("https") || value.equals("http"))
            } else {
                throw .badPseudoField
            }
        }

        private func set(
            _ field: inout ByteRange?, _ value: UnsafeRawBufferPointer, _ isGood: Bool
        ) throws(HTTP2Fault) {
            guard field == nil, isGood else { throw .badPseudoField }
            field = text.append(value)
        }

        func write(to output: ByteStage) throws(HTTP2Fault) {
            guard let method else { throw .badPseudoField }
            let verb = text.bytes[method]
            // It has neither of the others (RFC 9113 §8.5).
            guard !verb.equals("CONNECT") else { throw .connect }
            guard let path, scheme != nil else { throw .badPseudoField }
            let target = text.bytes[path]
            // In origin form only: an absolute one would name another authority beside `:authority`.
            guard target.first == ASCII.slash || target.equals("*") else { throw .badPseudoField }
            _ = output.append(verb)
            output.append(" ")
            _ = output.append(target)
            output.append(" HTTP/1.1\r\n")
            if let authority {
                output.append("host: ")
                _ = output.append(text.bytes[authority])
                output.append("\r\n")
            }
        }
    }
}

extension ByteStage {
    fileprivate func append(_ text: StaticString) { _ = write(atMost: text.utf8CodeUnitCount) { $0.append(text) } }

    /// A field line. Neither part may carry a line break.
    fileprivate func appendField(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        _ = write(atMost: name.count + value.count + 4) { writer in
            writer.append(name)
            writer.append(": ")
            writer.append(value)
            writer.append("\r\n")
        }
    }
}

extension HTTP1RequestWriter {
    /// Writes the head of a request whose fields are text.
    ///
    /// - Parameters:
    ///   - fields: pseudo-fields first.
    ///   - output: what is appended to.
    /// - Returns: how the content is to be written.
    /// - Throws: where the request is malformed; `output` is as before then.
    public static func write(
        _ fields: some Sequence<(name: String, value: String)>, endsStream: Bool, to output: inout [UInt8]
    ) throws(HTTP2Fault) -> HTTP1ContentWriter {
        let writer = HTTP1RequestWriter()
        for (var name, var value) in fields {
            name.withUTF8 { name in
                value.withUTF8 { writer.take(UnsafeRawBufferPointer(name), UnsafeRawBufferPointer($0)) }
            }
        }
        let content = try writer.end(endsStream: endsStream)
        output += writer.bytes
        return content
    }
}
