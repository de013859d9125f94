// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

@Suite struct ByteWriterTests {
    @Test(arguments: [(UInt64(0), "0"), (9, "9"), (10, "10"), (1_000_000, "1000000"), (.max, "18446744073709551615")])
    func `numbers are written in decimal`(number: UInt64, text: String) {
        #expect(written(capacity: 20) { $0.append(decimal: number) } == text)
    }

    @Test func `hexadecimal digits keep their width`() {
        #expect(written(capacity: 20) { $0.append(hex: 0xAB, digits: 4) } == "00ab")
    }

    @Test func `what does not fit is left out whole, and stays known`() {
        var memory = [UInt8](repeating: 0x2E, count: 8)
        memory.withUnsafeMutableBytes { raw in
            var writer = ByteWriter(UnsafeMutableRawBufferPointer(rebasing: raw[..<4]))
            writer.append("abc")
            writer.append("de")
            writer.append(UInt8(ascii: "f"))
            #expect(writer.count == 3 && writer.overflowed)
        }
        #expect(memory == Array("abc.....".utf8))
        #expect(written(capacity: 2) { $0.append("abc") } == nil)
    }

    @Test func `the character classes are those of the RFCs`() {
        let letters = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
        for byte in UInt8.min...UInt8.max {
            let isAlphanumeric = letters.contains(byte)
            #expect(ASCII.isToken(byte) == (isAlphanumeric || "!#$%&'*+-.^_`|~".utf8.contains(byte)))
            #expect(ASCII.isPathCharacter(byte) == (isAlphanumeric || "-._~!$&'()*+,;=:@".utf8.contains(byte)))
            #expect(ASCII.isUnreserved(byte) == (isAlphanumeric || "-._~".utf8.contains(byte)))
            #expect(ASCII.isTarget(byte) == (0x21...0x7E ~= byte && byte != UInt8(ascii: "#")))
            #expect(ASCII.isHostName(byte) == (isAlphanumeric || "-_.".utf8.contains(byte)))
            #expect((ASCII.hexValue(byte) != nil) == "0123456789abcdefABCDEF".utf8.contains(byte))
        }
    }

    @Test(arguments: KnownField.named)
    func `known fields are recognised in any case`(field: KnownField) {
        for name in ["\(field.name)", "\(field.name)".uppercased()] {
            #expect(Array(name.utf8).withUnsafeBytes { KnownField($0) } == field)
        }
        #expect(Array("\(field.name)x".utf8).withUnsafeBytes { KnownField($0) } == .other)
    }

    @Test(arguments: KnownField.named)
    func `names that are known ones but for underscores are told from others`(field: KnownField) {
        let name = "\(field.name)"
        for (place, byte) in name.utf8.enumerated() {
            var changed = Array(name.utf8)
            changed[place] = UInt8(ascii: "_")
            let isForwarded = changed.count > 12 && String(decoding: changed, as: UTF8.self).isForwarded
            let expected: KnownField = byte == UInt8(ascii: "-") || isForwarded ? .lookalike : .other
            #expect(changed.withUnsafeBytes { KnownField(resembledBy: $0) } == expected)
        }
        let folded = name.replacing("-", with: "_")
        for spelled in [folded, folded.uppercased()] where folded != name {
            #expect(Array(spelled.utf8).withUnsafeBytes { KnownField(resembledBy: $0) } == .lookalike)
        }
    }

    @Test(
        arguments: [
            ("X-Forwarded-Port", .otherXForwarded), ("x-forwarded-", .other), ("X-Forwarded", .other),
            ("x-forwarded-prefix-of-great-length", .otherXForwarded), ("X_Forwarded-Prefix", .lookalike),
            ("x_trace_id", .other), ("_", .other), ("__", .other), ("user_agent", .other), ("accept", .other),
            ("transfer_encoding_", .other), ("if-modified-since", .other), ("x-forwarding-for", .other),
        ] as [(String, KnownField)])
    func `fields of forwarding are known by how they begin`(name: String, expected: KnownField) {
        #expect(Array(name.utf8).withUnsafeBytes { KnownField(resembledBy: $0) } == expected)
    }

    @Test func `controls are found at every place of a value, and nothing else is`() {
        for length in 1...20 {
            for place in 0..<length {
                for byte in UInt8.min...UInt8.max {
                    var value = [UInt8](repeating: 0x41, count: length)
                    value[place] = byte
                    let found = value.withUnsafeBytes { FieldLine.hasControl($0, from: 0, to: length) }
                    #expect(found == ((byte < 0x20 && byte != 0x09) || byte == 0x7F))
                }
            }
        }
    }
}

extension String {
    fileprivate var isForwarded: Bool { replacing("_", with: "-").hasPrefix("x-forwarded-") }
}
