// SPDX-License-Identifier: Apache-2.0

import NIOPosix
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Writes batches to a file descriptor, one after the other, on one thread of its own. Safe from any thread.
final class DescriptorWriter: Sendable {
    private static let mostPending = 8 << 20

    private let descriptor: Int32
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let pending = Atomic<Int>(0)

    init(descriptor: Int32) {
        self.descriptor = descriptor
        thread.start()
    }

    /// Nil where there is to be no log.
    convenience init?(_ destination: AccessLogDestination) {
        switch destination {
        case .off: return nil
        case .standardOutput: self.init(descriptor: 1)
        case .descriptor(let descriptor): self.init(descriptor: descriptor)
        }
    }

    var hasRoom: Bool { pending.load(ordering: .relaxed) < Self.mostPending }

    func write(_ batch: [UInt8]) {
        pending.wrappingAdd(batch.count, ordering: .relaxed)
        thread.submit { [self] state in
            if case .active = state { writeAll(batch) }
            pending.wrappingSubtract(batch.count, ordering: .relaxed)
        }
    }

    /// Calls back from the thread when everything that it has got is written, or cannot be.
    func whenWritten(_ done: @escaping @Sendable () -> Void) { thread.submit { _ in done() } }

    /// Ends the thread, once it is done with what it writes, and waits for neither. What is not written by then is dropped.
    func close() { thread.shutdownGracefully { _ in } }

    /// A batch that cannot be written (the reader is gone, the disk is full) is dropped: there is nowhere to say so.
    private func writeAll(_ batch: [UInt8]) {
        batch.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                #if canImport(Glibc)
                let count = Glibc.write(descriptor, part.baseAddress, part.count)
                #elseif canImport(Musl)
                let count = Musl.write(descriptor, part.baseAddress, part.count)
                #else
                let count = Darwin.write(descriptor, part.baseAddress, part.count)
                #endif
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if errno == EAGAIN {
                    var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    if poll(&room, 1, -1) < 0, errno != EINTR { return }
                } else if errno != EINTR {
                    return
                }
            }
        }
    }
}
