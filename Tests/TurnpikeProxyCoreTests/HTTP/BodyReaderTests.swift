// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore

@Suite struct BodyReaderTests {
    @Test(arguments: [BodyFraming.none, .length(0)])
    func `no content is complete at once`(framing: BodyFraming) throws {
        var reader = BodyReader(framing)
        #expect(reader.isComplete)
        #expect(try reader.take("next") == (0, true))
    }

    @Test func `a length ends within the bytes that hold its last one`() throws {
        var reader = BodyReader(.length(5))
        #expect(try reader.take("abc") == (3, false))
        #expect(!reader.mayEndNow)
        #expect(try reader.take("") == (0, false))
        #expect(try reader.take("deGET /") == (2, true))
        #expect(reader.payloadBytes == 5)
        #expect(reader.mayEndNow)
    }

    @Test func `chunked content is followed without counting its framing`() throws {
        var reader = BodyReader(.chunked)
        #expect(try reader.take("3\r\nab") == (5, false))
        #expect(!reader.mayEndNow)
        #expect(try reader.take("c\r\n0\r\n") == (6, false))
        #expect(try reader.take("\r\nHTTP") == (2, true))
        #expect(reader.payloadBytes == 3)
        #expect(try reader.take("HTTP") == (0, true))
    }

    @Test func `content until the close takes everything and may end at any time`() throws {
        var reader = BodyReader(.untilClose)
        #expect(reader.mayEndNow)
        #expect(try reader.take("anything") == (8, false))
        #expect(reader.payloadBytes == 8)
    }

    @Test(
        arguments: [
            (BodyFraming.length(6), "a"), (.chunked, "6\r\nabcdef"), (.chunked, "3\r\nabc\r\n3\r\ndef"),
            (.untilClose, "abcdef"),
        ] as [(BodyFraming, Wire)])
    func `more payload than allowed is refused`(framing: BodyFraming, bytes: Wire) {
        var reader = BodyReader(framing, payloadLimit: 5)
        #expect(throws: HTTPFault.bodyTooLarge) { try reader.take(bytes.text) }
    }

    @Test func `as much payload as allowed is taken`() throws {
        var reader = BodyReader(.length(5), payloadLimit: 5)
        #expect(try reader.take("abcde") == (5, true))
    }

    @Test func `what is allowed can become less, and never more`() throws {
        var reader = BodyReader(.chunked, payloadLimit: 5)
        reader.limitPayload(to: 9)
        #expect(reader.payloadLimit == 5)
        #expect(try reader.take("3\r\nabc\r\n") == (8, false))
        // Never less than there was.
        reader.limitPayload(to: 2)
        #expect(reader.payloadLimit == 3)
        #expect(throws: HTTPFault.bodyTooLarge) { try reader.take("1\r\nd") }
    }

    @Test(
        arguments: [
            (.none, false), (.chunked, false), (.untilClose, false), (.length(5), false), (.length(6), true),
        ] as [(BodyFraming, Bool)])
    func `only a length announces how much is to come`(framing: BodyFraming, isMore: Bool) {
        #expect(framing.announces(moreThan: 5) == isMore)
    }

    @Test func `a fault in the chunks comes through`() {
        var reader = BodyReader(.chunked)
        #expect(throws: HTTPFault.badChunkSize) { try reader.take("zz") }
    }
}

extension BodyReader {
    fileprivate mutating func take(_ text: String) throws -> (Int, Bool) {
        let bytes = Array(text.utf8)
        let progress = try bytes.withUnsafeBytes { try advance($0) }
        return (progress.consumed, progress.isComplete)
    }
}
