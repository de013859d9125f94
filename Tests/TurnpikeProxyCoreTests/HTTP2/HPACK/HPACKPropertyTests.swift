// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// What holds for any fields, and for any bytes.
@Suite struct HPACKPropertyTests {
    /// Few names and values, so that indices are used, and some of any kind.
    private static func field(_ random: inout SeededGenerator) -> BlockField {
        if Int.random(in: 0..<4, using: &random) == 0, let known = HPACKTestEncoder.fixed.randomElement(using: &random)
        {
            return known
        }
        func text(_ longest: Int) -> [UInt8] {
            let isText = Int.random(in: 0..<4, using: &random) > 0
            return (0..<Int.random(in: 0...longest, using: &random)).map { _ in
                isText ? UInt8.random(in: 0x20...0x7E, using: &random) : UInt8.random(in: 0...255, using: &random)
            }
        }
        let names = HPACKTestEncoder.fixed.map(\.name) + ["x-a", "x-b", ""].map { Array($0.utf8) }
        let name = Bool.random(using: &random) ? text(12) : names.randomElement(using: &random) ?? []
        return BlockField(name, text(Int.random(in: 0..<8, using: &random) == 0 ? 300 : 10))
    }

    /// A block of fields, each in one of the ways that it can be written.
    private static func block(
        _ encoder: inout HPACKTestEncoder, bound: Int, _ random: inout SeededGenerator
    ) -> (bytes: [UInt8], fields: [BlockField]) {
        var bytes: [UInt8] = []
        for _ in 0..<max(0, Int.random(in: -6...2, using: &random)) {
            bytes += encoder.resize(to: Int.random(in: 0...bound, using: &random))
        }
        var fields: [BlockField] = []
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            let isRepeated = Bool.random(using: &random)
            let field = (isRepeated ? encoder.table.randomElement(using: &random) : nil) ?? Self.field(&random)
            if let indexed = encoder.indexed(field, using: &random), Int.random(in: 0..<4, using: &random) > 0 {
                bytes += indexed
            } else {
                let kind = HPACKTestEncoder.Kind.allCases.randomElement(using: &random) ?? .plain
                bytes += encoder.literal(field, kind, using: &random)
            }
            fields.append(field)
        }
        return (bytes, fields)
    }

    @Test(arguments: UInt64(0)..<70)
    func `fields are read as they are written, and tables stay the same`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let bound = [0, 40, 64, 100, 256, 1000, 4096].randomElement(using: &random) ?? 4096
        let decoder = HPACKDecoder(tableBytes: bound)
        var encoder = HPACKTestEncoder(bound: bound)
        for _ in 0..<25 {
            let block = Self.block(&encoder, bound: bound, &random)
            #expect(try decoder.fields(of: block.bytes) == block.fields, "seed \(seed)")
            #expect(decoder.tableContents() == encoder.table, "seed \(seed)")
        }
    }

    @Test(arguments: UInt64(0)..<40)
    func `a block cut short gives fewer fields, the same ones`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var encoder = HPACKTestEncoder()
        let block = Self.block(&encoder, bound: 4096, &random)
        for end in block.bytes.indices {
            let decoded = HPACKDecoder().decodeAll(Array(block.bytes[..<end]))
            #expect(block.fields.starts(with: decoded.fields), "seed \(seed), \(end)")
            #expect(decoded.fields.count < block.fields.count || block.fields.isEmpty, "seed \(seed), \(end)")
            #expect(decoded.fault == nil || decoded.fault == .truncated, "seed \(seed), \(end)")
        }
    }

    @Test(arguments: UInt64(0)..<20)
    func `no bytes end the process, and the table keeps its bound`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<150 {
            let bound = Int.random(in: 0...300, using: &random)
            let decoder = HPACKDecoder(tableBytes: bound)
            for _ in 0..<4 {
                let bytes = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                _ = decoder.decodeAll(bytes)
                let size = decoder.tableContents().reduce(0) { $0 + $1.size }
                if size > bound { Issue.record("seed \(seed): \(size) of \(bound)") }
            }
        }
    }

    @Test(arguments: UInt64(0)..<100)
    func `what the encoder writes is read, and leaves the table empty`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let fields = (0..<20).map { _ in Self.field(&random) }
        let bound = fields.reduce(1) { $0 + HPACKEncoder.sizeBound(name: $1.name.count, value: $1.value.count) }
        let block = try #require(
            [UInt8](capacity: bound) { writer in
                HPACKEncoder.writeTableSize(to: &writer)
                for field in fields {
                    field.name.withUnsafeBytes { name in
                        field.value.withUnsafeBytes { HPACKEncoder.write(name: name, value: $0, to: &writer) }
                    }
                }
            })
        let decoder = HPACKDecoder()
        #expect(try decoder.fields(of: block) == fields, "seed \(seed)")
        #expect(decoder.tableContents().isEmpty, "seed \(seed)")
    }
}
