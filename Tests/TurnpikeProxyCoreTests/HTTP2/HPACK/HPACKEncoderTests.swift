// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

@Suite struct HPACKEncoderTests {
    private func written(_ name: String, _ value: String) throws -> [UInt8] {
        try written(BlockField(Array(name.utf8), Array(value.utf8)))
    }

    /// A field in as many bytes as the bound says.
    private func written(_ field: BlockField) throws -> [UInt8] {
        let bound = HPACKEncoder.sizeBound(name: field.name.count, value: field.value.count)
        return try #require(
            [UInt8](capacity: bound) { writer in
                field.name.withUnsafeBytes { name in
                    field.value.withUnsafeBytes { HPACKEncoder.write(name: name, value: $0, to: &writer) }
                }
            })
    }

    @Test func `the table's size is none`() throws {
        let bytes = try #require([UInt8](capacity: 1) { HPACKEncoder.writeTableSize(to: &$0) })
        #expect(bytes == hex("20"))
        #expect(try HPACKDecoder().fields(of: bytes).isEmpty)
    }

    @Test func `every status is written as it is read, and common ones in a byte`() throws {
        for status in 100...999 {
            let bytes = try #require([UInt8](capacity: 5) { HPACKEncoder.write(status: status, to: &$0) })
            #expect(try HPACKDecoder().fields(of: bytes) == [BlockField(":status: \(status)")])
            #expect(bytes.count == ([200, 204, 206, 304, 400, 404, 500].contains(status) ? 1 : 5))
        }
    }

    @Test(arguments: [
        ("content-type", "a/b", "0f10 03 612f62"), ("age", "7", "0f06 01 37"), ("accept-charset", "x", "0f00 01 78"),
        ("x-a", "b", "00 03 782d61 01 62"), ("", "", "00 00 00"), ("x-a", "", "00 03 782d61 00"),
        ("set-cookie", "a=b", "1f28 03 613d62"), ("authorization", "b", "1f08 01 62"),
        ("proxy-authorization", "b", "1f22 01 62"), ("cookie", "b", "1f11 01 62"),
        ("x-api-key", "b", "10 09 782d6170692d6b6579 01 62"),
        ("accept-encoding", "gzip, deflate", "90"), (":path", "/index.html", "85"), (":path", "/x", "04 02 2f78"),
        (":method", "POST", "83"), (":status", "500", "8e"), ("vary", "", "bb"), ("accept-encoding", "", "0f01 00"),
    ])
    func `a field is as short as it is without a table`(name: String, value: String, dump: String) throws {
        #expect(try written(name, value) == hex(dump))
    }

    @Test func `names of the static table are found, and what differs in a byte or in length is not`() {
        func index(_ name: [UInt8]) -> Int { name.withUnsafeBytes { HPACKStaticTable.shared.index(of: $0) } }
        for (place, field) in HPACKTestEncoder.fixed.enumerated() {
            let name = field.name
            let first = HPACKTestEncoder.fixed.firstIndex { $0.name == name } ?? place
            #expect(index(name) == first + 1)
            let others = [name + [ASCII.dash], name.dropLast(), [ASCII.dash] + name]
            let changed = name.indices.map { position in
                var name = name
                name[position] = 0x7E
                return name
            }
            for other in others.map({ Array($0) }) + changed where index(other) != 0 {
                Issue.record("\(other) is found")
            }
        }
    }

    @Test(arguments: [0, 1, 126, 127, 128, 254, 255, 256, 16_509, 16_510, 16_511, 100_000])
    func `strings of any length are read as they are written`(length: Int) throws {
        let text = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for field in [BlockField(text, text), BlockField(Array("server".utf8), text)] {
            #expect(try HPACKDecoder().fields(of: written(field)) == [field])
        }
    }
}
