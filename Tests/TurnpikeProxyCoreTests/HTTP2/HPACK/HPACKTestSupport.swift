// SPDX-License-Identifier: Apache-2.0

@testable import TurnpikeProxyCore

/// A field of a header block, in bytes of its own.
struct BlockField: Hashable, CustomStringConvertible {
    var name: [UInt8]
    var value: [UInt8]

    init(_ name: [UInt8], _ value: [UInt8]) {
        self.name = name
        self.value = value
    }

    /// - Parameter line: `name: value`. The colon of a pseudo-field is part of its name.
    init(_ line: String) {
        let bytes = Array(line.utf8)
        let colon = bytes.dropFirst().firstIndex(of: ASCII.colon) ?? bytes.endIndex
        self.init(Array(bytes[..<colon]), Array(bytes[colon...].dropFirst(2)))
    }

    /// What it counts for in a table.
    var size: Int { name.count + value.count + 32 }

    var description: String { String(decoding: name + Array(": ".utf8) + value, as: UTF8.self) }
}

extension HPACKDecoder {
    func fields(of block: [UInt8]) throws(HPACKFault) -> [BlockField] {
        let decoded = decodeAll(block)
        if let fault = decoded.fault { throw fault }
        return decoded.fields
    }

    /// What is handed out, and the fault that ends it, if one does. The block lies in memory of exactly its length.
    func decodeAll(_ block: [UInt8]) -> (fields: [BlockField], fault: HPACKFault?) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: block.count, alignment: 1)
        defer { memory.deallocate() }
        memory.copyBytes(from: block)
        var fields: [BlockField] = []
        do throws(HPACKFault) {
            try decode(UnsafeRawBufferPointer(memory)) { fields.append(BlockField(Array($0), Array($1))) }
            return (fields, nil)
        } catch {
            return (fields, error)
        }
    }

    /// What is in the dynamic table, the newest first: each index is asked for, until one is not there.
    func tableContents() -> [BlockField] {
        var contents: [BlockField] = []
        while case (let fields, let fault) = decodeAll(HPACKTestEncoder.integer(62 + contents.count, 0x7F, kind: 0x80)),
            fault == nil
        {
            contents += fields
        }
        return contents
    }
}

/// Bytes from a hexadecimal dump.
func hex(_ dump: String) -> [UInt8] {
    let digits = dump.utf8.compactMap { ASCII.hexValue($0) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
