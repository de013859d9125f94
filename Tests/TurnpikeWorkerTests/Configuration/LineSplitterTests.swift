// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeWorker

@Suite struct LineSplitterTests {
    @Test(arguments: [UInt64(1), 2, 3, 4])
    func `lines come out as they went in, however the bytes are cut`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let lines = (0..<200).map { _ in
            (0..<Int.random(in: 0..<30, using: &random)).map { _ in UInt8.random(in: 0x20...0x7E, using: &random) }
        }
        var rest = Array(lines.joined(separator: [0x0A])) + [0x0A]
        var splitter = LineSplitter(maximumBytes: 31)
        var found: [[UInt8]] = []
        while !rest.isEmpty {
            let count = min(rest.count, Int.random(in: 0...50, using: &random))
            splitter.append(rest.prefix(count))
            rest.removeFirst(count)
            while let line = try splitter.next() { found.append(Array(line)) }
        }
        #expect(found == lines, "seed \(seed)")
        #expect(!splitter.hasRest)
    }

    @Test(arguments: [7, 8, 9])
    func `a line may be as long as the bound, newline included, and no longer`(count: Int) throws {
        let line = [UInt8](repeating: 0x61, count: count - 1)
        var whole = LineSplitter(maximumBytes: 8)
        whole.append(line + [0x0A])
        var cut = LineSplitter(maximumBytes: 8)
        cut.append(line)
        if count <= 8 {
            #expect(try whole.next() == line[...])
            #expect(try cut.next() == nil)
            #expect(cut.hasRest)
        } else {
            #expect(throws: TurnpikeError.self) { try whole.next() }
            #expect(throws: TurnpikeError.self) { try cut.next() }
        }
    }
}
