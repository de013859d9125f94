// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

/// What is done with eight bytes at once comes to the same as one byte after the other.
@Suite struct ByteWordsTests {
    private static let lengths = 0...33

    /// Every byte at every place of a text of every length up to some words.
    private func forEachVariant(_ body: ([UInt8], _ place: Int) throws -> Void) rethrows {
        for length in Self.lengths {
            for place in 0..<length {
                for byte in UInt8.min...UInt8.max {
                    var bytes = Array(repeating: UInt8(ascii: "a"), count: length)
                    bytes[place] = byte
                    try body(bytes, place)
                }
            }
        }
    }

    private func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.withUnsafeBytes { left in right.withUnsafeBytes { left.equalsIgnoringCase($0) } }
    }

    @Test func `letters alone are equal in either case`() {
        forEachVariant { bytes, place in
            for other in [bytes[place], bytes[place] ^ 0x20, bytes[place] ^ 0x80] {
                var changed = bytes
                changed[place] = other
                let expected = ASCII.lowercased(other) == ASCII.lowercased(bytes[place])
                if areEqual(bytes, changed) != expected {
                    Issue.record("\(bytes[place]) and \(other) at \(place) of \(bytes.count)")
                }
            }
        }
        #expect(areEqual([], []) && !areEqual([], [0x61]) && !areEqual([0x61], []))
    }

    @Test func `a token ends at its first byte of another kind`() {
        forEachVariant { bytes, place in
            let end = bytes.withUnsafeBytes { FieldLine.tokenEnd($0, from: 0, to: bytes.count) }
            if end != (ASCII.isToken(bytes[place]) ? bytes.count : place) {
                Issue.record("\(bytes[place]) at \(place) of \(bytes.count)")
            }
        }
    }

    @Test func `a target ends at its first byte of another kind`() {
        forEachVariant { bytes, place in
            let end = bytes.withUnsafeBytes { RequestHead.targetEnd($0, from: 0, to: bytes.count) }
            if end != (ASCII.isTarget(bytes[place]) ? bytes.count : place) {
                Issue.record("\(bytes[place]) at \(place) of \(bytes.count)")
            }
        }
    }

    @Test func `a name is told from others by each of its bytes`() {
        for field in KnownField.named {
            let name = Array("\(field.name)".utf8)
            for place in name.indices {
                for byte in UInt8.min...UInt8.max where ASCII.lowercased(byte) != name[place] {
                    var changed = name
                    changed[place] = byte
                    let found = changed.withUnsafeBytes { KnownField($0) }
                    if found != .other { Issue.record("\(field) with \(byte) at \(place) is \(found)") }
                }
            }
        }
    }

    @Test func `a control is found at every place`() {
        forEachVariant { bytes, place in
            let found = bytes.withUnsafeBytes { FieldLine.hasControl($0, from: 0, to: bytes.count) }
            if found != ASCII.isControl(bytes[place]) {
                Issue.record("\(bytes[place]) at \(place) of \(bytes.count)")
            }
        }
    }

    @Test func `no control beyond the range counts`() {
        var bytes = Array(repeating: UInt8(ascii: "a"), count: 24)
        (bytes[3], bytes[20]) = (0, 0)
        let found = bytes.withUnsafeBytes { FieldLine.hasControl($0, from: 4, to: 20) }
        #expect(!found)
    }

    @Test func `a hash tells every byte and length apart, and folds the case of letters`() {
        let hasher = ByteHash(seed: 7)
        func hash(_ bytes: [UInt8]) -> UInt64 {
            bytes.withUnsafeBytes { hasher.hash($0, scope: 1, foldingCase: true) }
        }
        var seen: [UInt64: [UInt8]] = [:]
        forEachVariant { bytes, _ in
            let folded = bytes.map { ASCII.lowercased($0) }
            let known = seen.updateValue(folded, forKey: hash(bytes)) ?? folded
            if known != folded { Issue.record("\(known) and \(folded)") }
            if hash(folded) != hash(bytes) { Issue.record("\(bytes) in lower case") }
        }
    }

    @Test(arguments: 1...16) func `a number is written by its lowest digits`(_ digits: Int) throws {
        var random = RandomSource(seed: 11)
        for number in [0, 1, 0x9A, 0x0123_4567_89AB_CDEF, UInt64.max] + (0..<100).map({ _ in random.next() }) {
            let text = String(number, radix: 16)
            let padded = String(repeating: "0", count: 16 - text.count) + text
            let written = try #require([UInt8](capacity: digits) { $0.append(hex: number, digits: digits) })
            #expect(String(decoding: written, as: UTF8.self) == padded.suffix(digits))
        }
    }
}
