// SPDX-License-Identifier: Apache-2.0

/// Takes header blocks apart (RFC 7541). One for each connection; confined to its loop.
///
/// It says what a block says, and judges nothing of it: names may be empty or in upper case. It allocates nothing but the
/// client's table, as that grows, and room for decoded strings.
final class HPACKDecoder {
    private let fixed = HPACKStaticTable.shared
    private let huffman = HuffmanTable.shared
    private let announced: Int
    private var table: HPACKDynamicTable
    /// Decoded strings of one field, the name in front of the value.
    private var scratch = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    /// Table sizes that a block may begin with (§4.2): the least in between, and the last.
    private static var longestResizing: Int { 2 }
    /// Bytes of scratch that are kept between blocks.
    private static var keptScratch: Int { 4096 }

    /// - Parameter tableBytes: what SETTINGS_HEADER_TABLE_SIZE announces, less than 2³⁰. A client reckons with 4096 until it has
    ///   read that, and after that until it says otherwise: so less than 4096 breaks with those that do not wait for it.
    init(tableBytes: Int = 4096) {
        announced = tableBytes
        table = HPACKDynamicTable(bound: min(tableBytes, 4096))
    }

    deinit { scratch.deallocate() }

    /// Decodes one whole header block. Hands out each field in order; the bytes are good until the closure returns, which must
    /// not decode.
    ///
    /// Fields in front of a fault have been handed out already. After it, the table is not what the client believes, and the
    /// connection must end.
    func decode(
        _ block: UnsafeRawBufferPointer,
        _ field: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
    ) throws(HPACKFault) {
        guard let start = block.baseAddress else { return }
        var reader = HPACKReader(start: start, count: block.count)
        try resizeTable(&reader)
        while let kind = reader.peek {
            if kind & 0x80 != 0 {
                let known = try self.field(at: reader.integer(0x7F))
                field(known.name, known.value)
            } else if kind & 0x40 != 0 {
                let literal = try literal(&reader, 0x3F, blockLength: block.count)
                field(literal.name, literal.value)
                table.insert(name: literal.name, value: literal.value)
            } else if kind & 0x20 == 0 {
                // Whether it may be indexed further on (§6.2.2, §6.2.3) makes no difference to who does not index.
                let literal = try literal(&reader, 0x0F, blockLength: block.count)
                field(literal.name, literal.value)
            } else {
                throw .misplacedTableSize
            }
        }
        if scratch.count > Self.keptScratch { replaceScratch(count: 0) }
    }

    /// Sizes of the table, at the beginning of a block (§6.3).
    private func resizeTable(_ reader: inout HPACKReader) throws(HPACKFault) {
        for _ in 0..<Self.longestResizing {
            guard let kind = reader.peek, kind & 0xE0 == 0x20 else { return }
            let size = try reader.integer(0x1F)
            guard size <= announced else { throw .tableSizeTooLarge }
            table.resize(to: size)
        }
    }

    @inline(__always)
    private func field(at index: Int) throws(HPACKFault) -> HPACKField {
        if index < HPACKStaticTable.end {
            guard index > 0 else { throw .unknownIndex }
            return fixed[index]
        }
        guard let field = table[index - HPACKStaticTable.end] else { throw .unknownIndex }
        return field
    }

    /// A field that is spelt out, but perhaps for its name (§6.2).
    ///
    /// - Parameter mask: the bits of the first byte that belong to the name's index.
    @inline(__always)
    private func literal(
        _ reader: inout HPACKReader, _ mask: UInt8, blockLength: Int
    ) throws(HPACKFault) -> HPACKField {
        let index = try reader.integer(mask)
        guard index == 0 else {
            let name = try field(at: index).name
            return HPACKField(name: name, value: try string(&reader, at: 0, blockLength: blockLength))
        }
        let name = try string(&reader, at: 0, blockLength: blockLength)
        return HPACKField(name: name, value: try string(&reader, at: name.count, blockLength: blockLength))
    }

    /// A string (§5.2): in place if it is plain, else in scratch from `offset` on.
    @inline(__always)
    private func string(
        _ reader: inout HPACKReader, at offset: Int, blockLength: Int
    ) throws(HPACKFault) -> UnsafeRawBufferPointer {
        let isHuffman = (reader.peek ?? 0) & 0x80 != 0
        let bytes = try reader.bytes(reader.integer(0x7F))
        return isHuffman ? try decoded(bytes, at: offset, blockLength: blockLength) : bytes
    }

    private func decoded(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, blockLength: Int
    ) throws(HPACKFault) -> UnsafeRawBufferPointer {
        // Room for the whole block, so that none is made, which would move a name, between the strings of a field. They fit in
        // wherever the value begins: a name takes no more of it than is reckoned for its own bytes.
        let wanted = HuffmanTable.sizeBound(blockLength)
        if scratch.count < wanted { replaceScratch(count: max(wanted, 256)) }
        guard let base = scratch.baseAddress else { return bytes }
        let target = base + offset
        return UnsafeRawBufferPointer(start: target, count: try huffman.decode(bytes, to: target))
    }

    private func replaceScratch(count: Int) {
        scratch.deallocate()
        scratch = count > 0 ? .allocate(byteCount: count, alignment: 8) : .init(start: nil, count: 0)
    }
}
