// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

@Suite struct ClientHelloTests {
    @Test(
        arguments: [
            ([], ClientHello()),
            ([.names(["api.acme.test"])], ClientHello(serverName: "api.acme.test")),
            ([.names(["API.acme.test"])], ClientHello(serverName: "API.acme.test")),
            ([.protocols(["http/1.1", "h2"])], ClientHello()),
            ([.extension(43, [2, 3, 4]), .protocols(["h2"]), .names(["a"])], ClientHello(serverName: "a")),
            // A name of a type that nobody knows yet (RFC 6066 §3).
            ([.extension(0, [0, 8, 9, 0, 1, 1, 0, 0, 1, 0x61])], ClientHello(serverName: "a")),
            ([.extension(0, [0, 4, 9, 0, 1, 1])], ClientHello()),
        ] as [([Hello.Part], ClientHello)])
    func `what a client asks for is read`(parts: [Hello.Part], expected: ClientHello) {
        #expect(ClientHello.read(Hello(parts).bytes) == .complete(expected))
    }

    @Test func `a client of TLS 1.2 may have no extensions`() {
        #expect(ClientHello.read(Hello(nil).bytes) == .complete(ClientHello()))
    }

    @Test(arguments: [1, 3, 4, 5, 40, 1000])
    func `a hello may come in several records, cut anywhere`(size: Int) {
        let hello = Hello([.names(["api.acme.test"]), .protocols(["h2"])])
        let expected = ClientHello(serverName: "api.acme.test")
        #expect(ClientHello.read(hello.bytes(inRecordsOf: size)) == .complete(expected))
    }

    @Test func `until it is whole, nothing is said`() {
        let bytes = Hello([.names(["api.acme.test"]), .protocols(["h2"])]).bytes
        for count in 0..<bytes.count { #expect(ClientHello.read(Array(bytes[..<count])) == .incomplete) }
    }

    @Test func `what follows in another record is not looked at`() {
        let hello = Hello([.names(["a"])])
        #expect(ClientHello.read(hello.bytes + [0x14, 3, 3, 0, 1, 1]) == .complete(ClientHello(serverName: "a")))
    }

    @Test(
        arguments: [
            ("no TLS", Array("GET / HTTP/1.1\r\n".utf8)),
            ("an alert", [21, 3, 1, 0, 2, 1, 0]),
            ("SSL 2", [0x80, 0x2E, 1, 0, 2]),
            ("another major version", [22, 2, 0, 0, 1]),
            ("a record without content", [22, 3, 1, 0, 0]),
            ("a record that is too large", [22, 3, 1, 0x40, 1]),
            ("another message", [22, 3, 1, 0, 4, 2, 0, 0, 0]),
            ("something behind it in its record", Hello([]).bytes(and: [0])),
            ("a body that is too short", Hello.record([1, 0, 0, 1, 3])),
            ("an extension twice", Hello([.protocols(["h2"]), .protocols(["h2"])]).bytes),
            ("two names", Hello([.names(["a", "b"])]).bytes),
            ("an empty name", Hello([.names([""])]).bytes),
            ("no name where one is announced", Hello([.extension(0, [0, 0])]).bytes),
            ("a name that is none", Hello([.names(["a\u{0}b"])]).bytes),
            ("a list of names longer than its extension", Hello([.extension(0, [0, 9, 0, 0, 1, 0x61])]).bytes),
            ("something behind the names", Hello([.extension(0, [0, 4, 0, 0, 1, 0x61, 7])]).bytes),
            ("an extension longer than what is left", Hello([.raw([0, 16, 0, 9, 1])]).bytes),
        ] as [(String, [UInt8])])
    func `what is malformed is unreadable`(what: String, bytes: [UInt8]) {
        #expect(ClientHello.read(bytes) == .unreadable)
    }

    @Test func `a hello has its bound, however small the records that it comes in`() {
        let large = Hello([.extension(21, [UInt8](repeating: 0, count: ClientHello.mostBytes - 100))])
        guard case .complete = ClientHello.read(large.bytes) else { return #expect(Bool(false), "it is within") }
        #expect(ClientHello.read(large.bytes(inRecordsOf: 100)) == .unreadable)
        let endless = [UInt8]([22, 3, 1, 0x40, 0, 1, 0xFF, 0xFF, 0xFF])
        #expect(ClientHello.read(endless) == .unreadable)
    }
}

/// A hello that is made for a test.
struct Hello: Sendable {
    enum Part: Sendable {
        case names([String])
        case protocols([String])
        case `extension`(UInt16, [UInt8])
        case raw([UInt8])

        fileprivate var bytes: [UInt8] {
            switch self {
            case .names(let names):
                Part.extension(0, vector(2, names.flatMap { [0] + vector(2, Array($0.utf8)) })).bytes
            case .protocols(let names):
                Part.extension(16, vector(2, names.flatMap { vector(1, Array($0.utf8)) })).bytes
            case .extension(let type, let content): number(2, Int(type)) + vector(2, content)
            case .raw(let bytes): bytes
            }
        }
    }

    private let message: [UInt8]

    /// - Parameter parts: extensions; `nil` where there is not even a list of them.
    init(_ parts: [Part]?) {
        var body = [3, 3] + [UInt8](repeating: 7, count: 32) + vector(1, [1, 2, 3]) + vector(2, [0x13, 1])
        body += vector(1, [0])
        if let parts { body += vector(2, parts.flatMap(\.bytes)) }
        message = [1] + vector(3, body)
    }

    var bytes: [UInt8] { Self.record(message) }

    func bytes(and more: [UInt8]) -> [UInt8] { Self.record(message + more) }

    func bytes(inRecordsOf size: Int) -> [UInt8] {
        stride(from: 0, to: message.count, by: size).flatMap {
            Self.record(Array(message[$0..<min($0 + size, message.count)]))
        }
    }

    static func record(_ content: [UInt8]) -> [UInt8] { [22, 3, 1] + vector(2, content) }
}

private func number(_ width: Int, _ value: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * (width - 1 - $0))) }
}

private func vector(_ width: Int, _ content: [UInt8]) -> [UInt8] { number(width, content.count) + content }
