// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

@Suite struct HPACKDecoderTests {
    @Test(arguments: [
        // Indexed, or a name by its index: none, and the first behind either table.
        ("80", HPACKFault.unknownIndex), ("be", .unknownIndex), ("ff00", .unknownIndex), ("7e 0161", .unknownIndex),
        ("0f2f 0161", .unknownIndex), ("1f2f 0161", .unknownIndex), ("40 0161 0162 bf", .unknownIndex),
        ("ff ffffffff7f", .unknownIndex),
        // Integers.
        ("ff", .truncated), ("ff80", .truncated), ("ff8080808080", .integerTooLong),
        ("ff808080808000", .integerTooLong),
        ("ffffffffffff7f", .integerTooLong), ("0f", .truncated), ("44 ff8080808080", .integerTooLong),
        ("7fffffffffffffffffffff7f", .integerTooLong),
        // Strings.
        ("44", .truncated), ("44 01", .truncated), ("44 0261", .truncated), ("40 0161", .truncated), ("40", .truncated),
        ("44 ffffffffff7f", .truncated), ("44 81", .truncated), ("44 8218", .truncated),
        // Huffman code: eight ones, a zero in the padding, EOS.
        ("44 821fff", .invalidHuffman), ("44 81ff", .invalidHuffman), ("44 8118", .invalidHuffman),
        ("44 84ffffffff", .invalidHuffman), ("40 81ff 0161", .invalidHuffman),
        // Sizes of the table.
        ("3fe21f", .tableSizeTooLarge), ("20 3fe21f", .tableSizeTooLarge), ("82 20", .misplacedTableSize),
        ("20 20 20", .misplacedTableSize), ("20 82 20", .misplacedTableSize), ("3f", .truncated),
        ("3f8080808080", .integerTooLong),
    ])
    func `what is malformed is told, and how`(dump: String, fault: HPACKFault) {
        #expect(HPACKDecoder().decodeAll(hex(dump)).fault == fault)
    }

    @Test func `fields in front of a fault are handed out`() {
        let decoded = HPACKDecoder().decodeAll(hex("82 40 0161 0162 be 80"))
        #expect(decoded.fields.map(\.description) == [":method: GET", "a: b", "a: b"])
        #expect(decoded.fault == .unknownIndex)
    }

    @Test(arguments: ["", "20", "20 3fe11f", "3fe11f 3fe11f"])
    func `a block may hold nothing, or up to two sizes`(dump: String) throws {
        #expect(try HPACKDecoder().fields(of: hex(dump)).isEmpty)
    }

    @Test func `each index of the static table is its field`() throws {
        #expect(HPACKTestEncoder.fixed.count == 61)
        for index in 1...61 {
            let fields = try HPACKDecoder().fields(of: [0x80 | UInt8(index)])
            #expect(fields == [HPACKTestEncoder.fixed[index - 1]])
        }
    }

    @Test func `names and values may be empty, in a table too`() throws {
        let empty = BlockField([], [])
        #expect(try HPACKDecoder().fields(of: hex("40 00 00 be 00 00 00 40 80 80")) == [empty, empty, empty, empty])
    }

    // MARK: - The table

    @Test func `a field that just fits evicts all others, and one byte more leaves nothing`() throws {
        for (length, remains) in [(31, true), (32, false)] {
            let decoder = HPACKDecoder(tableBytes: 64)
            let field = BlockField([0x61], Array(repeating: 0x62, count: length))
            var encoder = HPACKTestEncoder(bound: 64)
            var random = SeededGenerator(seed: 1)
            let before = encoder.literal(BlockField("c: d"), .indexing, using: &random)
            #expect(try decoder.fields(of: before).count == 1)
            #expect(decoder.tableContents() == [BlockField("c: d")])
            #expect(try decoder.fields(of: encoder.literal(field, .indexing, using: &random)) == [field])
            #expect(decoder.tableContents() == (remains ? [field] : []))
        }
    }

    @Test func `a smaller table evicts the oldest, and a larger one brings nothing back`() throws {
        let decoder = HPACKDecoder()
        _ = try decoder.fields(of: hex("40 0161 0131 40 0162 0132 40 0163 0133"))
        let all = ["c: 3", "b: 2", "a: 1"].map { BlockField($0) }
        #expect(decoder.tableContents() == all)
        // Three times 34 bytes.
        for (size, count) in [(102, 3), (101, 2), (4096, 2), (68, 2), (67, 1), (34, 1), (33, 0), (4096, 0)] {
            _ = try decoder.fields(of: HPACKTestEncoder.integer(size, 0x1F, kind: 0x20))
            #expect(decoder.tableContents() == Array(all.prefix(count)), "\(size)")
        }
    }

    @Test func `the least of two sizes evicts, though the last is larger`() throws {
        let decoder = HPACKDecoder()
        _ = try decoder.fields(of: hex("40 0161 0131"))
        #expect(try decoder.fields(of: hex("20 3fe11f 82")).count == 1)
        #expect(decoder.tableContents().isEmpty)
    }

    @Test func `a larger table is one only once the client says so`() throws {
        let decoder = HPACKDecoder(tableBytes: 8192)
        let field = BlockField([0x61], Array(repeating: 0x62, count: 4090))
        let block =
            [0x40] + HPACKTestEncoder.string(field.name, isHuffman: false)
            + HPACKTestEncoder.string(field.value, isHuffman: false)
        #expect(try decoder.fields(of: block) == [field])
        #expect(decoder.tableContents().isEmpty)
        #expect(try decoder.fields(of: HPACKTestEncoder.integer(8192, 0x1F, kind: 0x20) + block) == [field])
        #expect(decoder.tableContents() == [field])
    }

    /// §4.4: wherever entries lie in memory, while it grows or is used from its front again, and however much is evicted.
    @Test(arguments: [64, 100, 128, 512, 1000], UInt64(0)..<20)
    func `a name outlives the entry that its own field evicts`(bound: Int, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let decoder = HPACKDecoder(tableBytes: bound)
        func string(_ length: Int) -> [UInt8] {
            HPACKTestEncoder.string(
                (0..<length).map { _ in UInt8.random(in: 0x61...0x7A, using: &random) }, isHuffman: false)
        }
        for _ in 0..<100 {
            let oldest = decoder.tableContents().last?.name
            let longest = bound - 32 - (oldest?.count ?? 0)
            let value = string(Int.random(in: 0...Int.random(in: 0...longest, using: &random), using: &random))
            guard let oldest, Int.random(in: 0..<4, using: &random) > 0 else {
                _ = try decoder.fields(of: [0x40] + string(Int.random(in: 0...20, using: &random)) + value)
                continue
            }
            let place = 61 + decoder.tableContents().count
            let fields = try decoder.fields(of: HPACKTestEncoder.integer(place, 0x3F, kind: 0x40) + value)
            #expect(fields.map(\.name) == [oldest], "seed \(seed)")
            #expect(decoder.tableContents().first == fields.first, "seed \(seed)")
        }
    }
}
