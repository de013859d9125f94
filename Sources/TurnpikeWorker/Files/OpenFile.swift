// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An open file, closed when it goes. Every call blocks: none belongs on an event loop.
struct OpenFile: ~Copyable, Sendable {
    let descriptor: Int32
    let path: String

    /// - Parameters:
    ///   - flags: as of `open(2)`; the file is never handed to child processes.
    ///   - mode: permissions of a file that is created; only its owner's by default.
    init(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(FileFailure) {
        descriptor = open(path, flags | O_CLOEXEC, mode)
        self.path = path
        if descriptor < 0 { throw .last("open", path) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The length in bytes.
    func size() throws(FileFailure) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .last("inspect", path) }
        return Int(status.st_size)
    }

    func write(_ bytes: [UInt8]) throws(FileFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw .last("write", path)
            }
        }
    }

    /// The next bytes, at most `count`; none at the end of the file.
    func read(upTo count: Int) throws(FileFailure) -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
            var result = systemRead(descriptor, buffer.baseAddress, count)
            while result < 0, errno == EINTR { result = systemRead(descriptor, buffer.baseAddress, count) }
            if result < 0 { code = errno }
            length = max(0, result)
        }
        guard code == 0 else { throw FileFailure("read", path, code: code) }
        return bytes
    }

    /// Cuts the file, or lengthens it with zeros.
    func truncate(to length: Int) throws(FileFailure) {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw .last("truncate", path) }
    }

    /// Has what is written next go behind what is there.
    func seekToEnd() throws(FileFailure) {
        guard lseek(descriptor, 0, SEEK_END) >= 0 else { throw .last("seek in", path) }
    }

    /// Waits until what was written is on the disk.
    func synchronize() throws(FileFailure) {
        guard fsync(descriptor) == 0 else { throw .last("synchronize", path) }
    }
}

// Inside of `OpenFile` its methods would hide the system's calls of the same names.

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}
