// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

@Suite struct HuffmanTableTests {
    /// Decoded in memory of exactly the sizes that are promised; nil for a fault.
    private func decoded(_ bytes: [UInt8]) -> [UInt8]? {
        let target = UnsafeMutableRawBufferPointer.allocate(
            byteCount: HuffmanTable.sizeBound(bytes.count), alignment: 1)
        defer { target.deallocate() }
        guard let start = target.baseAddress else { return nil }
        return bytes.withUnsafeBytes { source -> [UInt8]? in
            guard let count = try? HuffmanTable.shared.decode(source, to: start) else { return nil }
            return Array(target[..<count])
        }
    }

    @Test func `the code leaves no gap, and has a symbol for each byte and the end`() {
        #expect(HuffmanCode.lengths.count == 257)
        let sum = HuffmanCode.lengths.reduce(0) { $0 + 1 << (HuffmanCode.longest - Int($1)) }
        #expect(sum == 1 << HuffmanCode.longest)
        #expect(HuffmanCode.lengths.min().map { Int($0) } == HuffmanCode.shortest)
    }

    @Test(arguments: [
        ("0", "00000"), ("a", "00011"), ("t", "01001"), (" ", "010100"), ("z", "1111011"), ("&", "11111000"),
        ("Z", "11111101"), ("!", "1111111000"), ("#", "111111111010"), ("\\", "1111111111111110000"),
        ("\n", "111111111111111111111111111100"),
    ])
    func `codes are those of the RFC`(text: String, digits: String) {
        #expect(decoded(HPACKTestEncoder.pack(digits)) == Array(text.utf8))
    }

    @Test func `every byte is read in front of and behind a code of each length`() {
        // One byte of each length.
        let others = Dictionary(
            (0...255).map { (HuffmanCode.lengths[$0], $0) }, uniquingKeysWith: { first, _ in first })
        for byte in 0...255 {
            for other in others.values {
                for symbols in [[byte, other], [other, byte], [other, byte, other]] {
                    if decoded(HPACKTestEncoder.huffman(symbols)) != symbols.map({ UInt8($0) }) {
                        Issue.record("\(symbols)")
                    }
                }
            }
        }
    }

    @Test(arguments: UInt64(0)..<300)
    func `texts of any length are read as they are coded`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let isText = Bool.random(using: &random)
        let text = (0..<Int.random(in: 0...200, using: &random)).map { _ in
            isText ? UInt8.random(in: 0x20...0x7E, using: &random) : UInt8.random(in: 0...255, using: &random)
        }
        #expect(decoded(HPACKTestEncoder.huffman(text.map { Int($0) })) == text, "seed \(seed)")
    }

    @Test(arguments: 0...40)
    func `padding is of up to seven ones, whatever is before it`(zeros: Int) {
        // Each `0` has five bits, so that the end comes at each place of a byte.
        let text = String(repeating: "00000", count: zeros)
        let padded = (8 - text.count % 8) % 8
        #expect(decoded(HPACKTestEncoder.pack(text))?.count == zeros)
        #expect(decoded(HPACKTestEncoder.pack(text) + [0xFF]) == nil)
        guard padded > 0 else { return }
        for wrong in 0..<padded {
            var padding = Array(repeating: "1", count: padded)
            padding[wrong] = "0"
            // Five bits or more may be a symbol; what is behind it is padding then, and so right.
            let isSymbol = padded >= 5 && HPACKTestEncoder.codes.contains { padding.joined().hasPrefix($0) }
            #expect((decoded(HPACKTestEncoder.pack(text + padding.joined())) == nil) == !isSymbol)
        }
    }

    @Test func `the end of a string is no symbol`() {
        let end = HuffmanCode.endOfString
        for symbols in [[end], [0x61, end], [end, 0x61], [0x61, 0x62, end, 0x63, 0x64, 0x65, 0x66]] {
            #expect(decoded(HPACKTestEncoder.huffman(symbols)) == nil)
        }
        #expect(decoded([0xFF, 0xFF, 0xFF, 0xFF]) == nil && decoded([0xFF]) == nil)
    }

    @Test func `nothing stands for nothing`() { #expect(decoded([]) == []) }
}
