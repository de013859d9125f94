// SPDX-License-Identifier: Apache-2.0

@testable import TurnpikeProxyCore

/// An encoder that uses all there is, as some client may: what the decoder is held against. Plain, and slow.
struct HPACKTestEncoder {
    enum Kind: UInt8, CaseIterable {
        case indexing = 0x40
        case plain = 0x00
        case neverIndexed = 0x10
    }

    private(set) var table: [BlockField] = []
    private var bound: Int

    init(bound: Int = 4096) { self.bound = bound }

    /// The static table's fields, in order.
    static let fixed = (1..<HPACKStaticTable.end).map { index in
        let field = HPACKStaticTable.shared[index]
        return BlockField(Array(field.name), Array(field.value))
    }

    mutating func resize(to bound: Int) -> [UInt8] {
        self.bound = bound
        evict()
        return Self.integer(bound, 0x1F, kind: 0x20)
    }

    /// Every index at which the field stands, or its name does.
    private func indices(where matches: (BlockField) -> Bool) -> [Int] {
        (Self.fixed + table).enumerated().filter { matches($0.element) }.map { $0.offset + 1 }
    }

    func indexed(_ field: BlockField, using random: inout some RandomNumberGenerator) -> [UInt8]? {
        indices { $0 == field }.randomElement(using: &random).map { Self.integer($0, 0x7F, kind: 0x80) }
    }

    mutating func literal(
        _ field: BlockField, _ kind: Kind, using random: inout some RandomNumberGenerator
    ) -> [UInt8] {
        let known = indices { $0.name == field.name }.randomElement(using: &random)
        let nameIndex = Int.random(in: 0..<4, using: &random) == 0 ? nil : known
        var bytes = Self.integer(nameIndex ?? 0, kind == .indexing ? 0x3F : 0x0F, kind: kind.rawValue)
        if nameIndex == nil { bytes += Self.string(field.name, isHuffman: Bool.random(using: &random)) }
        bytes += Self.string(field.value, isHuffman: Bool.random(using: &random))
        if kind == .indexing {
            table.insert(field, at: 0)
            evict()
        }
        return bytes
    }

    private mutating func evict() {
        while table.reduce(0, { $0 + $1.size }) > bound { table.removeLast() }
    }

    // MARK: - Parts of a block

    static func integer(_ value: Int, _ mask: Int, kind: UInt8) -> [UInt8] {
        guard value >= mask else { return [kind | UInt8(value)] }
        var bytes = [kind | UInt8(mask)]
        var rest = value - mask
        while rest >= 128 {
            bytes.append(UInt8(rest % 128) + 128)
            rest /= 128
        }
        return bytes + [UInt8(rest)]
    }

    static func string(_ bytes: [UInt8], isHuffman: Bool) -> [UInt8] {
        let coded = isHuffman ? huffman(bytes.map { Int($0) }) : bytes
        return integer(coded.count, 0x7F, kind: isHuffman ? 0x80 : 0) + coded
    }

    /// The code of each symbol, in binary digits.
    static let codes: [String] = {
        let lengths = HuffmanCode.lengths.map { Int($0) }
        var codes = Array(repeating: "", count: lengths.count)
        var (code, last) = (0, 0)
        for symbol in lengths.indices.sorted(by: { (lengths[$0], $0) < (lengths[$1], $1) }) {
            code <<= lengths[symbol] - last
            last = lengths[symbol]
            let digits = String(code, radix: 2)
            codes[symbol] = String(repeating: "0", count: last - digits.count) + digits
            code += 1
        }
        return codes
    }()

    /// Symbols in their codes, padded by ones.
    static func huffman(_ symbols: [Int]) -> [UInt8] { pack(symbols.map { codes[$0] }.joined()) }

    /// Binary digits as bytes, padded by ones.
    static func pack(_ digits: String) -> [UInt8] {
        let bits = digits.utf8.map { $0 - ASCII.zero }
        return stride(from: 0, to: bits.count, by: 8).map { place in
            (0..<8).reduce(UInt8(0)) { $0 << 1 | (place + $1 < bits.count ? bits[place + $1] : 1) }
        }
    }
}
