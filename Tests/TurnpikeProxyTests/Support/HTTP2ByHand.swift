// SPDX-License-Identifier: Apache-2.0

/// An upstream's side of one connection of HTTP/2, whose frames a test holds in its hands (RFC 9113 §4.1).
final class HTTP2ByHand {
    struct Frame: Sendable {
        let type: UInt8
        let flags: UInt8
        let stream: UInt32
        let payload: [UInt8]

        /// The number at the front of the payload.
        var word: Int { payload.prefix(4).reduce(0) { $0 << 8 | Int($1) } }
        var endsStream: Bool { type < 2 && flags & 0x1 != 0 }
    }

    static let (data, headers, reset, ping, windowUpdate) = (UInt8(0), UInt8(1), UInt8(3), UInt8(6), UInt8(8))
    private static let prefaceBytes = 24

    let connection: RawClient

    private init(_ connection: RawClient) { self.connection = connection }

    /// Takes the next connection, whose client's preface was read and who was told no settings but the usual ones.
    static func accept(from server: RawServer) async throws -> HTTP2ByHand {
        let connection = try await server.accept()
        _ = try await connection.bytes(prefaceBytes)
        // The client's own settings hold for it once they are acknowledged (RFC 9113 §6.5.3).
        for flags: UInt8 in [0, 1] {
            try await connection.send(RawHTTP2.frame(type: 0x4, flags: flags, stream: 0, []))
        }
        return HTTP2ByHand(connection)
    }

    func frame() async throws -> Frame {
        let head = try await connection.bytes(9)
        let length = head.prefix(3).reduce(0) { $0 << 8 | Int($1) }
        let stream = head.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
        return Frame(
            type: head[3], flags: head[4], stream: stream,
            payload: length == 0 ? [] : try await connection.bytes(length))
    }

    /// The next frame of a kind; those before it are passed over.
    func frame(_ type: UInt8) async throws -> Frame {
        while true {
            let frame = try await frame()
            if frame.type == type { return frame }
        }
    }

    /// Waits until the other side has read all that was sent.
    ///
    /// - Returns: what it has said meanwhile.
    func catchUp() async throws -> [Frame] {
        try await send(Self.ping, [1, 2, 3, 4, 5, 6, 7, 8])
        var others: [Frame] = []
        while true {
            let frame = try await frame()
            if frame.type == Self.ping, frame.flags == 1 { return others }
            others.append(frame)
        }
    }

    func send(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) async throws {
        try await connection.send(RawHTTP2.frame(type: type, flags: flags, stream: stream, payload))
    }

    /// The head of an answer with status 200.
    func answer(_ stream: UInt32, endsStream: Bool = true) async throws {
        try await send(Self.headers, flags: endsStream ? 0x5 : 0x4, stream: stream, [0x88])
    }

    func widen(_ stream: UInt32 = 0, by bytes: Int) async throws {
        try await send(Self.windowUpdate, stream: stream, [24, 16, 8, 0].map { UInt8(bytes >> $0 & 0xFF) })
    }
}
