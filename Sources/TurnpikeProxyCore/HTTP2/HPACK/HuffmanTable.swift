// SPDX-License-Identifier: Apache-2.0

/// Decodes strings of ``HuffmanCode``, mostly two symbols at once.
///
/// The next eleven bits pick an entry that tells the one or two symbols that they begin with: nearly all text has codes of five
/// to eight bits. What is longer is found by its length, since the code is canonical.
struct HuffmanTable: @unchecked Sendable {
    static let shared = HuffmanTable()

    /// What the next bits stand for: `symbols` are bytes, the first one the low one.
    private struct Entry {
        var symbols: UInt16 = 0
        /// 0 where the bits begin a longer code.
        var count: UInt8 = 0
        /// Bits of all its symbols; more than there ever are where the bits begin a longer code.
        var length: UInt8 = .max
    }

    /// Codes of one length.
    private struct Codes {
        /// The first 32 bits that begin a longer code.
        var end: UInt64
        /// What, added to a code, gives its place in `symbols`.
        var offset: Int
    }

    private static var width: UInt64 { 11 }

    // Invariant: filled before anybody sees them, never written to nor freed afterwards, which is why threads may share them.
    // `entries` has 2^width elements, `codes` one for each length from 0 to the longest, `symbols` one for each symbol, in the
    // order of their codes.
    private let entries: UnsafePointer<Entry>
    private let codes: UnsafePointer<Codes>
    private let symbols: UnsafePointer<UInt16>

    private init() {
        let lengths = HuffmanCode.lengths
        let symbols = UnsafeMutablePointer<UInt16>.allocate(capacity: lengths.count)
        let codes = UnsafeMutablePointer<Codes>.allocate(capacity: HuffmanCode.longest + 1)
        var (code, place) = (0, 0)
        for length in 0...HuffmanCode.longest {
            code <<= 1
            let offset = place - code
            for symbol in lengths.indices where lengths[symbol] == length {
                (symbols + place).initialize(to: UInt16(symbol))
                (code, place) = (code + 1, place + 1)
            }
            (codes + length).initialize(to: Codes(end: UInt64(code) << UInt64(32 - length), offset: offset))
        }
        self.symbols = UnsafePointer(symbols)
        self.codes = UnsafePointer(codes)
        let entries = UnsafeMutablePointer<Entry>.allocate(capacity: 1 << Self.width)
        entries.initialize(repeating: Entry(), count: 1 << Self.width)
        self.entries = UnsafePointer(entries)
        for bits in 0..<UInt64(1) << Self.width {
            entries[Int(bits)] = entry(startingWith: bits << (64 - Self.width))
        }
    }

    private func entry(startingWith window: UInt64) -> Entry {
        var entry = Entry()
        var length: UInt64 = 0
        while entry.count < 2 {
            let next = symbol(at: window << length)
            guard length + next.length <= Self.width else { break }
            entry.symbols |= next.symbol << (8 * UInt16(entry.count))
            length += next.length
            entry.count += 1
            entry.length = UInt8(length)
        }
        return entry
    }

    /// The symbol whose code the window begins with, and its bits. There always is one: the code leaves no gaps.
    private func symbol(at window: UInt64) -> (symbol: UInt16, length: UInt64) {
        let bits = window >> 32
        var length = HuffmanCode.shortest
        while bits >= codes[length].end { length += 1 }
        let place = Int(bits >> UInt64(32 - length)) + codes[length].offset
        return (symbols[place], UInt64(length))
    }

    /// Bytes to have room for, at most, where `count` bytes are decoded: no symbol has less than five bits, and two are written
    /// where the last one may be alone.
    static func sizeBound(_ count: Int) -> Int { 2 * count + 1 }

    /// Decodes a whole string.
    ///
    /// - Parameter target: has room for ``sizeBound(_:)`` bytes.
    /// - Returns: bytes written that count; one behind them may have been written to.
    func decode(_ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) throws(HPACKFault) -> Int {
        var input = HuffmanInput(source)
        var end = target
        while true {
            input.fill()
            let entry = entries[Int(input.window &>> (64 &- Self.width))]
            if UInt64(entry.length) <= input.count {
                end.storeBytes(of: entry.symbols.littleEndian, as: UInt16.self)
                end += Int(entry.count)
                input.drop(UInt64(entry.length))
                continue
            }
            let next = symbol(at: input.window)
            guard next.length <= input.count else { break }
            guard next.symbol != HuffmanCode.endOfString else { throw .invalidHuffman }
            end.storeBytes(of: UInt8(truncatingIfNeeded: next.symbol), as: UInt8.self)
            end += 1
            input.drop(next.length)
        }
        guard input.isPadding else { throw .invalidHuffman }
        return end - target
    }
}

/// The bits of a string, the most significant ones first.
private struct HuffmanInput {
    // Invariant: `next <= end`, in one string.
    private var next: UnsafeRawPointer?
    private var remaining: Int
    /// The next bits at the top. What is behind the `count` first is what follows them in the string, or zero at its end.
    private(set) var window: UInt64 = 0
    private(set) var count: UInt64 = 0

    init(_ string: UnsafeRawBufferPointer) {
        next = string.baseAddress
        remaining = string.count
    }

    /// Sees to it that the window holds the longest code, or all that is left.
    @inline(__always)
    mutating func fill() {
        guard count < HuffmanCode.longest, remaining > 0, let start = next else { return }
        if remaining >= 8 {
            window |= UInt64(bigEndian: start.loadUnaligned(as: UInt64.self)) &>> count
            let taken = Int((63 &- count) &>> 3)
            next = start + taken
            remaining &-= taken
            count |= 56
        } else {
            fillBytewise(start)
        }
    }

    private mutating func fillBytewise(_ start: UnsafeRawPointer) {
        var taken = 0
        while taken < remaining, count <= 56 {
            window |= UInt64(start.load(fromByteOffset: taken, as: UInt8.self)) &<< (56 &- count)
            count += 8
            taken += 1
        }
        next = start + taken
        remaining -= taken
    }

    @inline(__always)
    mutating func drop(_ bits: UInt64) {
        window &<<= bits
        count &-= bits
    }

    /// Whether what is left is what may end a string: at most seven bits, all ones (RFC 7541 §5.2).
    var isPadding: Bool { count < 8 && window == ~(UInt64.max >> count) }
}
