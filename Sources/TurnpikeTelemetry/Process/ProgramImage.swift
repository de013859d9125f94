// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The code and constants of this process, its libraries' too, as far as they lie in memory.
///
/// A start runs through much that is not needed again (options, files, joining, the first configuration), and where one page of it
/// is touched, the kernel maps the fifteen around it. All of that counts as the process's memory for as long as it lives.
/// But on Linux nothing here does anything.
public enum ProgramImage {
    /// Lets go of what was needed so far. What is needed from here on is mapped again as it is reached, from the page cache, 16
    /// pages at a time: some hundred faults of a microsecond, once. Takes about a millisecond; to be called when a program has
    /// started, and not while libraries are being loaded.
    public static func unload() {
        #if os(Linux)
        for range in unchangedRanges() {
            // Nothing is lost: each page of it is as it lies in its file, and is found there again (madvise(2)).
            madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
        }
        #endif
    }

    #if os(Linux)
    /// The mappings of files that cannot be written and never were (proc_pid_smaps(5)): what the linker has filled in and made
    /// read-only since then is not among them, nor what a debugger has changed.
    private static func unchangedRanges() -> [Range<UInt>] {
        var ranges: [Range<UInt>] = []
        var range: Range<UInt>?
        for line in contents(of: "/proc/self/smaps").split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            if let first = fields.first, first.last != UInt8(ascii: ":") {
                range = readOnlyFile(fields)
            } else if let found = range, line.starts(with: "Anonymous:".utf8) {
                if fields.count > 1, fields[1].elementsEqual("0".utf8) { ranges.append(found) }
                range = nil
            }
        }
        return ranges
    }

    /// - Parameter fields: addresses, permissions, offset, device, inode, path.
    private static func readOnlyFile(_ fields: [ArraySlice<UInt8>]) -> Range<UInt>? {
        guard fields.count == 6, fields[1].starts(with: "r-".utf8), fields[1].last == UInt8(ascii: "p"),
            fields[5].contains(UInt8(ascii: "/"))
        else { return nil }
        let bounds = fields[0].split(separator: UInt8(ascii: "-")).map {
            UInt(String(decoding: $0, as: UTF8.self), radix: 16)
        }
        guard bounds.count == 2, let start = bounds[0], let end = bounds[1], start < end else { return nil }
        return start..<end
    }

    /// Nothing where it cannot be read.
    private static func contents(of path: String) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var contents: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = read(file, &piece, piece.count)
            guard count > 0 else { return contents }
            contents.append(contentsOf: piece[..<count])
        }
    }
    #endif
}
