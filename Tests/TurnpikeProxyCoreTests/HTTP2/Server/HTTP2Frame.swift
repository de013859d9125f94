// SPDX-License-Identifier: Apache-2.0

@testable import TurnpikeProxyCore

/// A frame with a payload of its own, to be sent or as it came.
struct HTTP2Frame: Equatable, CustomStringConvertible {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    var kind: UInt8
    var flags: FrameFlags
    var stream: UInt32
    var payload: [UInt8]

    init(_ kind: FrameKind, _ flags: FrameFlags = [], stream: UInt32 = 0, _ payload: [UInt8] = []) {
        self.init(number: kind.rawValue, flags, stream: stream, payload)
    }

    /// - Parameter number: any kind, also of no meaning.
    init(number: UInt8, _ flags: FrameFlags = [], stream: UInt32 = 0, _ payload: [UInt8] = []) {
        kind = number
        self.flags = flags
        self.stream = stream
        self.payload = payload
    }

    var bytes: [UInt8] {
        Array(Self.word(payload.count)[1...]) + [kind, flags.rawValue] + Self.word(Int(stream)) + payload
    }

    var description: String { "\(kind) \(flags.rawValue) on \(stream), \(payload.count) bytes" }

    static func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

    // MARK: - Frames of a client's

    static func settings(_ settings: [(number: Int, value: Int)] = []) -> HTTP2Frame {
        HTTP2Frame(.settings, [], settings.flatMap { Array(word($0.number)[2...]) + word($0.value) })
    }

    static func head(_ stream: UInt32, _ fields: [(String, String)], endsStream: Bool = true) -> HTTP2Frame {
        HTTP2Frame(.headers, endsStream ? [.endHeaders, .endStream] : .endHeaders, stream: stream, block(fields))
    }

    static func get(_ stream: UInt32) -> HTTP2Frame { head(stream, request("GET")) }

    static func post(_ stream: UInt32, length: Int? = nil) -> HTTP2Frame {
        head(stream, request("POST") + (length.map { [("content-length", "\($0)")] } ?? []), endsStream: false)
    }

    static func request(_ method: String) -> [(String, String)] {
        [(":method", method), (":scheme", "https"), (":path", "/"), (":authority", "api.acme.test")]
    }

    /// - Parameter padding: bytes of it behind the content; nil for a frame without any.
    static func data(
        _ stream: UInt32, _ content: [UInt8], endsStream: Bool = false, padding: Int? = nil
    ) -> HTTP2Frame {
        var frame = HTTP2Frame(.data, endsStream ? .endStream : [], stream: stream, content)
        if let padding {
            frame.flags.insert(.padded)
            frame.payload = [UInt8(padding)] + content + [UInt8](repeating: 0, count: padding)
        }
        return frame
    }

    static func data(_ stream: UInt32, _ content: String, endsStream: Bool = false) -> HTTP2Frame {
        data(stream, Array(content.utf8), endsStream: endsStream)
    }

    static func windowUpdate(_ stream: UInt32 = 0, by bytes: Int) -> HTTP2Frame {
        HTTP2Frame(.windowUpdate, stream: stream, word(bytes))
    }

    static func reset(_ stream: UInt32) -> HTTP2Frame { HTTP2Frame(.resetStream, stream: stream, word(8)) }

    /// A header block without state.
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        let bound = fields.reduce(0) { $0 + HPACKEncoder.sizeBound(name: $1.0.utf8.count, value: $1.1.utf8.count) }
        let block = [UInt8](capacity: bound) { writer in
            for (name, value) in fields {
                Array(name.utf8).withUnsafeBytes { name in
                    Array(value.utf8).withUnsafeBytes { HPACKEncoder.write(name: name, value: $0, to: &writer) }
                }
            }
        }
        return block ?? []
    }

    // MARK: - Reading

    /// The word at the front of the payload, or behind others.
    func word(at place: Int = 0) -> Int {
        payload.dropFirst(4 * place).prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }

    /// Whole frames, and what is left behind them.
    static func all(in bytes: [UInt8]) -> (frames: [HTTP2Frame], rest: ArraySlice<UInt8>) {
        var frames: [HTTP2Frame] = []
        var rest = bytes[...]
        while rest.count >= FrameHeader.byteCount {
            let header = rest.withUnsafeBytes { FrameHeader($0) }
            let payload = rest.dropFirst(FrameHeader.byteCount).prefix(header.length)
            guard payload.count == header.length else { break }
            frames.append(
                HTTP2Frame(number: header.kind, header.flags, stream: header.stream, Array(payload)))
            rest = rest[payload.endIndex...]
        }
        return (frames, rest)
    }
}
