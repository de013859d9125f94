// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// Nothing that a client says changes whom its request comes from.
@Suite struct RequestOriginPropertyTests {
    private static let trusted = ["10.0.0.2", "10.255.0.1", "192.0.2.1", "2001:db8:a::1", "::ffff:10.0.0.3"]
    private static let others = ["203.0.113.9", "198.51.100.4", "2001:db8:b::7", "11.0.0.1", "::ffff:203.0.113.8"]
    private static let noise = Array("0123456789abcdef.:,;=\"\\[]%_ forFOR\t".utf8)

    @Test(arguments: UInt64(0)..<40, ["X-Forwarded-For", "Forwarded"])
    func `the nearest address that is not trusted is the client's, whatever stands before it`(
        seed: UInt64, field: String
    ) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let client = Self.others.randomElement(using: &random) ?? ""
            let hops = (0..<Int.random(in: 0...4, using: &random)).compactMap { _ in
                Self.trusted.randomElement(using: &random)
            }
            var lines = [Self.made(up: &random)]
            for address in [client] + hops {
                let element = Self.element(address, of: field, using: &random)
                if Bool.random(using: &random) {
                    lines[lines.count - 1] += ", " + element
                } else {
                    lines.append(element)
                }
            }
            let origin = OriginSample.origin(of: lines.map { "\(field): \($0)" })
            let expected = try #require(IPAddress(client)).unmapped
            #expect(origin.client.ip == expected, "\(lines), seed \(seed)")
        }
    }

    @Test(arguments: UInt64(0)..<40, ["X-Forwarded-For", "Forwarded", "X-Forwarded-Proto"])
    func `no text makes it go wrong, nor tells of an address that is not in it`(seed: UInt64, field: String) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let lines = (0..<Int.random(in: 1...3, using: &random)).map { _ in Self.made(up: &random) }
            let origin = OriginSample.origin(of: lines.map { "\(field): \($0)" })
            // A server that has the fields as texts finds the same.
            let found = OriginSample.proxies?.client(
                behind: IPAddress(.v4, high: 0, low: 0x0A00_0001),
                forwardedFor: field == "X-Forwarded-For" ? lines : [],
                forwarded: field == "Forwarded" ? lines : [])
            #expect(found == origin.reported.map { String(decoding: $0.text, as: UTF8.self) }, "\(lines), seed \(seed)")
            guard let reported = origin.reported?.ip else { continue }
            let words = lines.flatMap { $0.split { ",;=\"[] \t".contains($0) } }
            let isThere = words.contains { word in
                [word, word.prefix { $0 != ":" }].contains { IPAddress($0)?.unmapped == reported }
            }
            #expect(isThere, "\(lines), seed \(seed)")
        }
    }

    private static func element(_ address: String, of field: String, using random: inout SeededGenerator) -> String {
        let port = Bool.random(using: &random) ? ":\(Int.random(in: 0...65_535, using: &random))" : ""
        let node =
            !address.contains(":") || port.isEmpty && Bool.random(using: &random)
            ? address + (address.contains(":") ? "" : port) : "[\(address)]\(port)"
        guard field == "Forwarded" else { return node }
        let proto = Bool.random(using: &random) ? ";proto=https" : ""
        return node.contains(":") ? "for=\"\(node)\"\(proto)" : "for=\(node)\(proto)"
    }

    /// What a client may send: addresses of proxies, of others, and anything else.
    private static func made(up random: inout SeededGenerator) -> String {
        (0..<Int.random(in: 0...4, using: &random)).map { _ in
            switch Int.random(in: 0..<4, using: &random) {
            case 0: trusted.randomElement(using: &random) ?? ""
            case 1: "for=\"\(others.randomElement(using: &random) ?? "")"
            case 2: others.randomElement(using: &random) ?? ""
            default:
                String(
                    decoding: (0..<Int.random(in: 0...12, using: &random)).compactMap { _ in
                        noise.randomElement(using: &random)
                    }, as: UTF8.self)
            }
        }.joined(separator: Bool.random(using: &random) ? "," : " ")
    }
}
