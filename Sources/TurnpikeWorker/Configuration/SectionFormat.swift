// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes the lines of one section, and the line that vouches for them.
struct SectionWriter {
    private var sum = CRC32()
    private var count = 0
    private var buffer: [UInt8] = []
    private static let pieceBytes = 1 << 20

    /// - Parameter line: with its newline.
    mutating func add(_ line: [UInt8], to file: borrowing OpenFile) throws {
        sum.take(line)
        count += line.count
        buffer += line
        guard buffer.count >= Self.pieceBytes else { return }
        try file.write(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    func finish(_ file: borrowing OpenFile) throws {
        try file.write(buffer + Self.seal(sum.checksum, count))
    }

    static func seal(_ checksum: UInt32, _ count: Int) -> [UInt8] {
        let digits = String(checksum, radix: 16)
        let padded = String(repeating: "0", count: 8 - digits.count) + digits
        return (["checksum": .string(padded), "bytes": .integer(Int64(count))] as JSON).utf8 + [0x0A]
    }
}

/// Reads the sections of a file, one after the other, and checks them.
struct SectionReader: ~Copyable {
    private let file: OpenFile
    private var lines = LineSplitter(maximumBytes: Frame.maximumBytes)
    private var hasEnded = false
    /// Length of the sections that were read whole.
    private(set) var wholeBytes = 0
    private static let pieceBytes = 1 << 20

    init(_ path: String) throws { file = try OpenFile(path, O_RDONLY) }

    /// The next section; `nil` at the end of the file.
    ///
    /// - Throws: `TurnpikeError` where it is not what was written.
    mutating func next() throws -> Delta? {
        var assembler = DeltaAssembler()
        var delta: Delta?
        let isWhole = try next { line in
            delta = try assembler.take(try Frame(line: line)) ?? delta
            return delta != nil
        }
        guard isWhole else { return nil }
        guard let delta else { throw damaged("has a section without an end") }
        return delta
    }

    func damaged(_ detail: String) -> TurnpikeError {
        TurnpikeError(.malformedRequest, "'\(file.path)' \(detail).")
    }

    /// Calls `each` with what the frames of the next section begin with, and their lines, and holds none of them. That the
    /// section is whole is known only once it has been read.
    ///
    /// - Returns: false at the end of the file.
    /// - Throws: `TurnpikeError` where it is not what was written.
    mutating func nextHeads(_ each: (FrameHead, ArraySlice<UInt8>) throws -> Void) throws -> Bool {
        try next { line in
            let head = try FrameHead(line: line)
            try each(head, line)
            if case .commit = head { return true }
            return false
        }
    }

    /// - Parameter each: takes a line, and returns whether it was the last one.
    private mutating func next(_ each: (ArraySlice<UInt8>) throws -> Bool) throws -> Bool {
        var (sum, count, isCommitted) = (CRC32(), 0, false)
        while let line = try nextLine() {
            guard !isCommitted else {
                let seal = Array(line) + [0x0A]
                guard seal == SectionWriter.seal(sum.checksum, count) else {
                    throw damaged("has a checksum that is not that of its lines")
                }
                wholeBytes += count + seal.count
                return true
            }
            sum.take(line)
            sum.take([0x0A] as [UInt8])
            count += line.count + 1
            isCommitted = try each(line)
        }
        guard count == 0, !lines.hasRest else { throw damaged("ends within a section") }
        return false
    }

    private mutating func nextLine() throws -> ArraySlice<UInt8>? {
        while true {
            if let line = try lines.next() { return line }
            guard !hasEnded else { return nil }
            let piece = try file.read(upTo: Self.pieceBytes)
            hasEnded = piece.isEmpty
            lines.append(piece)
        }
    }
}
