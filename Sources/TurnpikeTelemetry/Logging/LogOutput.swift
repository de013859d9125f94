// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where log lines go. Called from any thread.
public protocol LogOutput: Sendable {
    /// Takes one whole line, its line feed included.
    func write(_ line: String)
}

/// Log lines to an open file descriptor, such as standard error.
///
/// Each line is one `write(2)`, and lines of this process never interleave: a lock is held until the whole line is
/// out, however many calls a full pipe or a signal makes of it. A line that cannot be written (the reader is gone, the
/// disk is full) is dropped, for there is nowhere left to say so. The caller blocks while the descriptor does.
public final class FileDescriptorOutput: LogOutput {
    private let descriptor: Mutex<Int32>

    /// - Parameter descriptor: Stays the caller's to close, after the last line.
    public init(descriptor: Int32) {
        self.descriptor = Mutex(descriptor)
    }

    public static let standardOutput = FileDescriptorOutput(descriptor: STDOUT_FILENO)
    public static let standardError = FileDescriptorOutput(descriptor: STDERR_FILENO)

    public func write(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            descriptor.withLock { Self.writeAll(bytes, to: $0) }
        }
    }

    private static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            #if canImport(Glibc)
            let written = Glibc.write(descriptor, part.baseAddress, part.count)
            #elseif canImport(Musl)
            let written = Musl.write(descriptor, part.baseAddress, part.count)
            #else
            let written = Darwin.write(descriptor, part.baseAddress, part.count)
            #endif
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if errno == EAGAIN {
                // The descriptor does not block (it is shared with whoever started us); wait until there is room.
                var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                if poll(&room, 1, -1) < 0, errno != EINTR { return }
            } else if errno != EINTR {
                return
            }
        }
    }
}
