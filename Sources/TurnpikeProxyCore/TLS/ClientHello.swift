// SPDX-License-Identifier: Apache-2.0

/// What a client says first over TLS (RFC 8446 §4.1.2), as far as a listener decides by it before any handshake.
///
/// It judges no handshake: whoever performs it reads the same bytes again, and tells the client what is wrong with them.
public struct ClientHello: Sendable, Hashable {
    /// The DNS name asked for (SNI, RFC 6066 §3), as it came.
    public var serverName: String?

    public init(serverName: String? = nil) { self.serverName = serverName }

    /// Bytes of the records that hold it, at most. A browser's take some 2 KiB.
    public static let mostBytes = 16 << 10

    /// What a look at the bytes comes to. How they were cut into pieces changes nothing.
    public enum Outcome: Sendable, Hashable {
        /// No fault so far, and no end: come again when there are more bytes.
        case incomplete
        case complete(ClientHello)
        /// No client hello, or a malformed one, or one of more than ``ClientHello/mostBytes``.
        case unreadable
    }

    /// - Parameter bytes: all that came since the connection began.
    public static func read(_ bytes: [UInt8]) -> Outcome {
        do throws(TLSMalformed) {
            if let message = try message(in: bytes) { return .complete(try ClientHello(reading: message)) }
            return bytes.count < mostBytes ? .incomplete : .unreadable
        } catch {
            return .unreadable
        }
    }

    // MARK: - Records

    private static let headerBytes = 5
    private static let handshakeRecord: UInt8 = 22
    private static let mostRecordBytes = 1 << 14

    /// The message within the records at the front (RFC 8446 §5.1), which have to end where it does; nil where it is not whole
    /// yet.
    private static func message(in bytes: [UInt8]) throws(TLSMalformed) -> ArraySlice<UInt8>? {
        var message: [UInt8] = []
        var start = 0
        while let length = try recordLength(bytes[start...]) {
            let end = start + headerBytes + length
            guard end <= mostBytes else { throw TLSMalformed() }
            message += bytes[(start + headerBytes)..<min(end, bytes.count)]
            if let whole = try bodyLength(message) {
                let comes = message.count + end - min(end, bytes.count)
                guard comes <= messageHeaderBytes + whole else { throw TLSMalformed() }
                if message.count == messageHeaderBytes + whole { return message[messageHeaderBytes...] }
            }
            guard end < bytes.count else { return nil }
            start = end
        }
        return nil
    }

    /// - Returns: nil where the record's header is not whole yet.
    private static func recordLength(_ bytes: ArraySlice<UInt8>) throws(TLSMalformed) -> Int? {
        guard bytes.isEmpty || bytes.first == handshakeRecord else { throw TLSMalformed() }
        guard bytes.count >= headerBytes else { return nil }
        var header = TLSBytes(bytes.dropFirst())
        // Its minor version says nothing (RFC 8446 §5.1).
        guard try header.number(1) == 3 else { throw TLSMalformed() }
        _ = try header.number(1)
        let length = try header.number(2)
        guard 1...mostRecordBytes ~= length else { throw TLSMalformed() }
        return length
    }

    private static let messageHeaderBytes = 4
    private static let clientHelloMessage: UInt8 = 1

    /// - Returns: nil where the message's header is not whole yet.
    private static func bodyLength(_ message: [UInt8]) throws(TLSMalformed) -> Int? {
        guard message.isEmpty || message.first == clientHelloMessage else { throw TLSMalformed() }
        guard message.count >= messageHeaderBytes else { return nil }
        var header = TLSBytes(message.dropFirst())
        return try header.number(3)
    }

    // MARK: - The message

    private static let serverNameExtension = 0

    private init(reading body: ArraySlice<UInt8>) throws(TLSMalformed) {
        self.init()
        var body = TLSBytes(body)
        _ = try body.number(2)  // the version before TLS 1.3
        _ = try body.take(32)  // random
        guard try body.vector(1).count <= 32 else { throw TLSMalformed() }  // the session's id
        _ = try body.vector(2, least: 2)  // cipher suites
        _ = try body.vector(1, least: 1)  // compression methods
        // Clients of TLS 1.2 may have none.
        guard !body.isEmpty else { return }
        var extensions = TLSBytes(try body.vector(2))
        try body.end()
        var seen: Set<Int> = []
        while !extensions.isEmpty {
            let type = try extensions.number(2)
            let content = TLSBytes(try extensions.vector(2))
            guard seen.insert(type).inserted else { throw TLSMalformed() }
            if type == Self.serverNameExtension { serverName = try Self.serverName(content) }
        }
    }

    /// A name of DNS among those given, of which there is one at most.
    private static func serverName(_ content: TLSBytes) throws(TLSMalformed) -> String? {
        var content = content
        var names = TLSBytes(try content.vector(2, least: 1))
        try content.end()
        var found: String?
        while !names.isEmpty {
            let type = try names.number(1)
            let name = try names.vector(2, least: 1)
            guard type == 0 else { continue }
            guard found == nil, name.allSatisfy({ 0x21...0x7E ~= $0 }) else { throw TLSMalformed() }
            found = String(decoding: name, as: UTF8.self)
        }
        return found
    }
}
