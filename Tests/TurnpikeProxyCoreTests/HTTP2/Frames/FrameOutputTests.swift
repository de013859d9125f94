// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

@Suite struct FrameOutputTests {
    private let output = FrameOutput()

    private func taken() -> [HTTP2Frame] {
        var bytes: [UInt8] = []
        output.take { bytes += $0 }
        let (frames, rest) = HTTP2Frame.all(in: bytes)
        #expect(rest.isEmpty)
        return frames
    }

    private func data(_ stream: UInt32, _ text: String) {
        Array(text.utf8).withUnsafeBytes { output.data(stream: stream, endsStream: false, $0) }
    }

    @Test func `what was handed out is gone`() {
        output.acknowledgeSettings()
        #expect(taken().count == 1)
        #expect(output.count == 0)
        output.take { _ in Issue.record("there is nothing") }
    }

    @Test func `frames are written as the other side reads them`() {
        output.settings([(number: 4, value: 0x0102_0304)])
        output.windowUpdate(stream: 3, by: 70_000)
        output.reset(stream: 5, .cancel)
        output.goAway(last: 7, .enhanceYourCalm)
        let ping = [UInt8](1...8)
        ping.withUnsafeBytes { output.answerPing($0) }
        #expect(
            taken() == [
                .settings([(4, 0x0102_0304)]), .windowUpdate(3, by: 70_000), .reset(5),
                HTTP2Frame(.goAway, [], HTTP2Frame.word(7) + HTTP2Frame.word(11)),
                HTTP2Frame(.ping, .acknowledges, ping),
            ])
    }

    @Test func `the last frame of content can be made the end of its stream`() {
        data(1, "a")
        data(3, "b")
        #expect(!output.endLastData(of: 1))
        #expect(output.endLastData(of: 3))
        #expect(taken() == [.data(1, "a"), .data(3, "b", endsStream: true)])
    }

    @Test func `but not once it is on its way, nor where something stands behind it`() {
        data(1, "a")
        _ = taken()
        #expect(!output.endLastData(of: 1))
        data(1, "b")
        output.acknowledgeSettings()
        #expect(!output.endLastData(of: 1))
        data(1, "c")
        output.headers(stream: 3, endsStream: true, atMost: 1) { $0.append(0x88) }
        #expect(!output.endLastData(of: 1))
        #expect(taken().allSatisfy { $0.stream != 1 || $0.flags == [] })
    }

    @Test(arguments: [1, 16_384, 16_385, 40_000]) func `a head takes as many frames as it needs`(count: Int) {
        let block = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        for bound in [count, 50_000] {
            output.headers(stream: 1, endsStream: true, atMost: bound) { writer in
                block.withUnsafeBytes { writer.append($0) }
            }
            let frames = taken()
            #expect(frames.count == (count + 16_383) / 16_384)
            #expect(frames.flatMap(\.payload) == block)
            #expect(frames.first?.kind == FrameKind.headers.rawValue)
            #expect(frames.dropFirst().allSatisfy { $0.kind == FrameKind.continuation.rawValue })
            #expect(frames.map { $0.flags.contains(.endHeaders) } == frames.indices.map { $0 == frames.count - 1 })
            #expect(frames.map { $0.flags.contains(.endStream) } == frames.indices.map { $0 == 0 })
        }
    }
}
