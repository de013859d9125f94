// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

@Suite struct ByteMapTests {
    private struct Key: Hashable {
        var bytes: [UInt8]
        var scope: UInt32
    }

    /// Room for none, for fewer than come, and for more.
    @Test(arguments: [0, 5, 500], UInt64(0)..<4)
    func `a map finds what was put in, whatever room was made`(room: Int, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var map = ByteMap(seed: seed)
        map.reserve(room, bytes: room * 4)
        var expected: [Key: UInt32] = [:]
        for value in UInt32(1)...400 {
            let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                UInt8.random(in: 0x61...0x63, using: &random)
            }
            let key = Key(bytes: bytes, scope: UInt32.random(in: 0...2, using: &random))
            #expect(map.insert(bytes, scope: key.scope, value: value) == expected[key], "seed \(seed)")
            if expected[key] == nil { expected[key] = value }
        }
        #expect(map.count == expected.count)
        for (key, value) in expected {
            #expect(key.bytes.withUnsafeBytes { map.find($0, scope: key.scope) } == value, "seed \(seed): \(key)")
            #expect(key.bytes.withUnsafeBytes { map.find($0, scope: 3) } == nil)
        }
    }

    @Test func `a map without entries finds nothing`() {
        let map = ByteMap(seed: 7)
        for bytes in [[], [1], Array(repeating: 0x61, count: 40)] as [[UInt8]] {
            #expect(bytes.withUnsafeBytes { map.find($0, scope: 0) } == nil)
        }
    }
}
