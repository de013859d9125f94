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

/// A configuration on disk: the lines of a stream that leads from nothing to it, and a last line that vouches for them,
/// `{"checksum":"<CRC-32 in hexadecimal>","bytes":<count>}`. All of it blocks.
struct LastGoodFile: Sendable {
    let path: String

    func write(_ snapshot: Snapshot) throws {
        let delta = Delta(
            revision: snapshot.revision, isSnapshot: true, set: Array(snapshot.resources.values), removed: []
        )
        try DurableFile.replace(path) { file in
            var sum = CRC32()
            var count = 0
            var buffer: [UInt8] = []
            for frame in delta.frames {
                let line = frame.line
                sum.take(line)
                count += line.count
                buffer += line
                if buffer.count >= LastGoodFile.pieceBytes {
                    try file.write(buffer)
                    buffer.removeAll(keepingCapacity: true)
                }
            }
            try file.write(buffer + LastGoodFile.seal(sum.checksum, count))
        }
    }

    /// The configuration, or `nil` where none was ever written.
    ///
    /// - Throws: `TurnpikeError` where the file is not what was written, ``FileFailure`` where it cannot be read.
    func read() throws -> Snapshot? {
        guard DurableFile.exists(path) else { return nil }
        let file = try OpenFile(path, O_RDONLY)
        var lines = LineSplitter(maximumBytes: Frame.maximumBytes)
        var reading = Reading()
        while true {
            let piece = try file.read(upTo: LastGoodFile.pieceBytes)
            if piece.isEmpty { break }
            lines.append(piece)
            while let line = try lines.next() { try reading.take(line) }
        }
        guard !lines.hasRest else { throw TurnpikeError(.malformedRequest, "The file's last line is cut.") }
        return try reading.finish()
    }

    /// Puts a file that is damaged out of the way, over one that was put there before.
    ///
    /// - Returns: its new path.
    func setAside() throws -> String {
        let target = path + ".damaged"
        try DurableFile.move(path, to: target)
        return target
    }

    private static let pieceBytes = 1 << 20

    fileprivate static func seal(_ checksum: UInt32, _ count: Int) -> [UInt8] {
        let digits = String(checksum, radix: 16)
        let padded = String(repeating: "0", count: 8 - digits.count) + digits
        return (["checksum": .string(padded), "bytes": .integer(Int64(count))] as JSON).utf8 + [0x0A]
    }
}

/// Checks and puts together what stands in the file.
private struct Reading {
    private var sum = CRC32()
    private var count = 0
    private var assembler = DeltaAssembler()
    private var delta: Delta?
    private var isSealed = false

    /// - Parameter line: without its newline.
    mutating func take(_ line: ArraySlice<UInt8>) throws {
        guard !isSealed else { throw TurnpikeError(.malformedRequest, "Something follows the checksum.") }
        guard delta == nil else {
            isSealed = Array(line) + [0x0A] == LastGoodFile.seal(sum.checksum, count)
            guard isSealed else { throw TurnpikeError(.malformedRequest, "The checksum is not that of the file.") }
            return
        }
        sum.take(line)
        sum.take([0x0A] as [UInt8])
        count += line.count + 1
        delta = try assembler.take(try Frame(line: line))
    }

    func finish() throws(TurnpikeError) -> Snapshot {
        guard isSealed, let delta, delta.isSnapshot else {
            throw TurnpikeError(.malformedRequest, "The file ends before its checksum.")
        }
        var snapshot = Snapshot()
        snapshot.apply(delta)
        return snapshot
    }
}
