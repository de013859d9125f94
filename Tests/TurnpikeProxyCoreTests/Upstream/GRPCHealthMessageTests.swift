// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

/// The few bytes of Protocol Buffers that gRPC's health protocol needs.
@Suite struct GRPCHealthMessageTests {
    private func framed(_ message: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt32(message.count).bigEndian) { [0] + Array($0) } + message
    }

    @Test(
        arguments: [
            (nil, [0, 0, 0, 0, 0]), ("", [0, 0, 0, 0, 0]), ("a.B", [0, 0, 0, 0, 5, 0x0A, 3, 0x61, 0x2E, 0x42]),
            ("ü", [0, 0, 0, 0, 4, 0x0A, 2, 0xC3, 0xBC]),
        ] as [(String?, [UInt8])])
    func `a service is asked after by its name`(service: String?, expected: [UInt8]) {
        #expect(GRPCHealthMessage.request(service: service) == expected)
    }

    @Test func `a long name has a long length`() {
        let request = GRPCHealthMessage.request(service: String(repeating: "a", count: 300))
        #expect(request.prefix(8) == [0, 0, 0, 1, 0x2F, 0x0A, 0xAC, 0x02] && request.count == 308)
    }

    @Test(
        arguments: [
            ([8, 1], .serving), ([8, 0], .other), ([], .other), ([8, 2], .other), ([8, 3], .other), ([8, 99], .other),
            // The last one counts.
            ([8, 2, 8, 1], .serving), ([8, 1, 8, 2], .other),
            // More bytes than it needs.
            ([8, 0x81, 0], .serving), ([0x88, 0, 1], .serving),
            // Fields that nobody knows: a varint, eight bytes, two bytes with their length, four bytes.
            ([0x10, 7, 8, 1], .serving), ([0x11, 1, 2, 3, 4, 5, 6, 7, 8, 8, 1], .serving),
            ([8, 1, 0x1A, 2, 8, 2], .serving), ([0x25, 8, 2, 8, 2, 8, 1], .serving),
            ([8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], .other),
            // Another number once it is cut to 32 bits.
            ([8, 0x81, 0x80, 0x80, 0x80, 0x10], .other),
        ] as [([UInt8], GRPCHealthMessage.ServingStatus)])
    func `SERVING is told from everything else`(message: [UInt8], expected: GRPCHealthMessage.ServingStatus) {
        #expect(GRPCHealthMessage.servingStatus(framed: framed(message)) == expected)
    }

    @Test(
        arguments: [
            [8], [8, 0x80], [0x80], [0, 1], [0x10], [0x0A, 1], [0x0A, 1, 1], [0x09, 1, 2, 3, 4, 5, 6, 7],
            [0x25, 1, 2, 3],
            // Groups, and types that there are not.
            [0x0B, 0x0C], [0x0E], [0x0F], [8, 1, 0x13],
            // A status that is not a number, and one of more than 64 bits.
            [0x09, 1, 0, 0, 0, 0, 0, 0, 0], [8, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2],
            [8, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0],
            // A length beyond the message, however large.
            [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 8, 1],
            // A field of a number that takes more than 32 bits with its type.
            [0x80, 0x80, 0x80, 0x80, 0x10, 1],
        ] as [[UInt8]])
    func `what is no message is taken for none`(message: [UInt8]) {
        #expect(GRPCHealthMessage.servingStatus(framed: framed(message)) == nil)
    }

    @Test(
        arguments: [
            [], [0], [0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 8, 1], [0, 0, 0, 0, 3, 8, 1],
            [0, 0, 0, 0, 2, 8, 1, 0, 0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 8, 1],
            // Compressed, by a code that nobody named.
            [1, 0, 0, 0, 2, 8, 1],
        ] as [[UInt8]])
    func `a frame holds exactly one message, as it is`(bytes: [UInt8]) {
        #expect(GRPCHealthMessage.servingStatus(framed: bytes) == nil)
    }
}
