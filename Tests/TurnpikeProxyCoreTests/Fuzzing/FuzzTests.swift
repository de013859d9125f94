// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeTestSupport

/// The short form of `make fuzz`: what has been found before, and some damage done to it.
@Suite struct FuzzTests {
    /// Inputs that are worth beginning from, or that broke something once.
    private static func corpus(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/\(target.rawValue)")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map { ($0.lastPathComponent, Array(try Data(contentsOf: $0))) }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `what is in the corpus breaks no property`(target: FuzzTarget) throws {
        let corpus = try Self.corpus(of: target)
        #expect(corpus.count >= 3)
        for (name, bytes) in corpus {
            #expect(throws: Never.self, "\(name)") { try target.check(bytes) }
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `nor does what is made of it by damage`(target: FuzzTarget) throws {
        let corpus = try Self.corpus(of: target)
        for seed in UInt64(0)..<400 {
            var random = SeededGenerator(seed: seed)
            let bytes = Self.damaged(corpus.map(\.bytes), &random)
            #expect(throws: Never.self, "seed \(seed), \(String(decoding: bytes, as: UTF8.self).debugDescription)") {
                try target.check(bytes)
            }
        }
    }

    private static func damaged(_ corpus: [[UInt8]], _ random: inout SeededGenerator) -> [UInt8] {
        let interesting: [UInt8] = Array("\r\n\t :;,/?#%*.=\u{0}\u{7F}Aa019".utf8) + [0x80, 0xFF]
        var bytes = corpus.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let position = Int.random(in: 0...bytes.count, using: &random)
            let end = min(position + Int.random(in: 0...8, using: &random), bytes.count)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes.insert(interesting.randomElement(using: &random) ?? 0, at: position)
            case 1: bytes.replaceSubrange(position..<end, with: [])
            case 2: bytes.insert(contentsOf: bytes[position..<end], at: position)
            case 3:
                bytes.replaceSubrange(position..<end, with: interesting.shuffled(using: &random).prefix(end - position))
            default: bytes = Array(bytes[..<position]) + (corpus.randomElement(using: &random) ?? [])[...]
            }
        }
        return bytes
    }
}
