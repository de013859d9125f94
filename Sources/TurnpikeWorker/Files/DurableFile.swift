// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Files that are there whole or not at all, whatever happens to the process or the machine meanwhile. All of it
/// blocks.
enum DurableFile {
    /// Puts a file in the place of whatever was there: written under another name, synchronized, renamed, and the
    /// rename itself made durable.
    static func replace(_ path: String, with bytes: [UInt8]) throws {
        try replace(path) { file in try file.write(bytes) }
    }

    /// As above, for content that is written piece by piece.
    static func replace(_ path: String, writing: (borrowing OpenFile) throws -> Void) throws {
        let temporary = path + ".new"
        do {
            let file = try OpenFile(temporary, O_WRONLY | O_CREAT | O_TRUNC)
            try writing(file)
            try file.synchronize()
            try move(temporary, to: path)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// The file's bytes; `nil` where there is no such file.
    ///
    /// - Throws: also where the file is longer than `limit` bytes.
    static func read(_ path: String, limit: Int) throws(FileFailure) -> [UInt8]? {
        guard exists(path) else { return nil }
        let file = try OpenFile(path, O_RDONLY)
        guard try file.size() <= limit else { throw FileFailure("read", path, code: EFBIG) }
        var bytes: [UInt8] = []
        while bytes.count <= limit {
            let piece = try file.read(upTo: min(limit + 1, 1 << 20))
            if piece.isEmpty { return bytes }
            bytes += piece
        }
        throw FileFailure("read", path, code: EFBIG)
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Renames within one directory, over what may be there, durably.
    static func move(_ path: String, to target: String) throws(FileFailure) {
        guard rename(path, target) == 0 else { throw .last("rename", path) }
        try synchronizeDirectory(of: target)
    }

    /// Makes what was created, renamed or removed beside `path` survive a loss of power.
    static func synchronizeDirectory(of path: String) throws(FileFailure) {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let directory = slash.map { String(path[..<$0]) } ?? "."
        let file = try OpenFile(directory.isEmpty ? "/" : directory, O_RDONLY | O_DIRECTORY)
        try file.synchronize()
    }
}
