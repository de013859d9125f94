// SPDX-License-Identifier: Apache-2.0

@testable import TurnpikeProxyCore

extension FuzzTarget {
    /// Each part is a header block of one connection. Whoever decodes them reads the same, no more than they and the table can
    /// hold, and the same again once it is written anew.
    static func checkHPACK(_ bytes: [UInt8]) throws {
        var random = bytes.chance
        let tableBytes = [0, 64, 256, 4096, 16_384].randomElement(using: &random) ?? 4096
        let blocks = bytes.parts
        let decoded = decodedFields(blocks, tableBytes)
        try require(decoded == decodedFields(blocks, tableBytes), "another decoder reads something else")

        for (block, fields) in zip(blocks, decoded.fields) {
            try require(fields.count <= block.count, "more fields than bytes")
            // The longest of the static table has 30 bytes; no code is shorter than five bits.
            let longest = max(30, tableBytes, block.count * 8 / 5)
            let holds = fields.allSatisfy { $0.name.count <= longest && $0.value.count <= longest }
            try require(holds, "more than there is to read from")
        }
        for fields in decoded.fields {
            let again = decodedFields([try written(fields)], 0)
            try require(again == DecodedFields(fields: [fields]), "written anew, other fields")
        }
    }

    private struct FieldBytes: Equatable {
        var name: [UInt8]
        var value: [UInt8]
    }

    private struct DecodedFields: Equatable {
        /// Of each block, up to the one with a fault.
        var fields: [[FieldBytes]] = []
        var fault: HPACKFault?
    }

    /// What one connection reads. Each block lies in memory of just its length.
    private static func decodedFields(_ blocks: [[UInt8]], _ tableBytes: Int) -> DecodedFields {
        let decoder = HPACKDecoder(tableBytes: tableBytes)
        var decoded = DecodedFields()
        for block in blocks where decoded.fault == nil {
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: block.count, alignment: 1)
            defer { memory.deallocate() }
            memory.copyBytes(from: block)
            var fields: [FieldBytes] = []
            do throws(HPACKFault) {
                try decoder.decode(UnsafeRawBufferPointer(memory)) { name, value in
                    fields.append(FieldBytes(name: Array(name), value: Array(value)))
                }
            } catch {
                decoded.fault = error
            }
            decoded.fields.append(fields)
        }
        return decoded
    }

    private static func written(_ fields: [FieldBytes]) throws -> [UInt8] {
        let bound = fields.reduce(1) { $0 + HPACKEncoder.sizeBound(name: $1.name.count, value: $1.value.count) }
        let block = [UInt8](capacity: bound) { writer in
            HPACKEncoder.writeTableSize(to: &writer)
            for field in fields {
                field.name.withUnsafeBytes { name in
                    field.value.withUnsafeBytes { HPACKEncoder.write(name: name, value: $0, to: &writer) }
                }
            }
        }
        guard let block else { throw Broken("fields do not fit in their bound") }
        return block
    }
}
