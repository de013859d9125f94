// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import CEpoll

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The pieces that one event sends to one side, so that they cost one system call and no copy that a socket would have
/// taken at once. Confined to its loop, and empty between events.
final class Gather {
    /// Pieces that are held at most.
    static let capacity = 32
    /// Up to here, copying pieces together costs less than naming each to the kernel.
    private static let copiedBytes = 4 << 10

    // Invariant: the first `count` of `pieces` are set, none is empty, and each names memory that somebody else keeps as it is
    // until the event is over.
    private let pieces = UnsafeMutableBufferPointer<iovec>.allocate(capacity: capacity)
    private let copies = UnsafeMutableRawBufferPointer.allocate(byteCount: copiedBytes, alignment: 64)
    private var count = 0
    private(set) var bytes = 0

    deinit {
        pieces.deallocate()
        copies.deallocate()
    }

    var isEmpty: Bool { bytes == 0 }
    var isFull: Bool { count == Self.capacity }

    /// - Precondition: not full.
    func append(_ piece: UnsafeRawBufferPointer) {
        guard let start = UnsafeMutableRawPointer(mutating: piece.baseAddress), !piece.isEmpty else { return }
        bytes += piece.count
        if count > 0, let last = pieces[count - 1].iov_base, last + pieces[count - 1].iov_len == start {
            pieces[count - 1].iov_len += piece.count
        } else {
            pieces[count] = iovec(iov_base: start, iov_len: piece.count)
            count += 1
        }
    }

    func removeAll() {
        count = 0
        bytes = 0
    }

    /// Sends what the socket takes now. What it does not take stays.
    func transmit(to descriptor: Descriptor) -> Transfer {
        let transfer: Transfer
        if count == 1 {
            transfer = descriptor.transmit(UnsafeRawBufferPointer(start: pieces[0].iov_base, count: bytes))
        } else if bytes <= Self.copiedBytes {
            transfer = descriptor.transmit(copied())
        } else {
            transfer = descriptor.transmit(UnsafeMutableBufferPointer(rebasing: pieces[..<count]))
        }
        if case .bytes(let sent) = transfer { drop(sent) }
        return transfer
    }

    private func copied() -> UnsafeRawBufferPointer {
        var filled = 0
        forEach { piece in
            UnsafeMutableRawBufferPointer(rebasing: copies[filled...]).copyMemory(from: piece)
            filled += piece.count
        }
        return UnsafeRawBufferPointer(rebasing: copies[..<filled])
    }

    /// Takes all that is left, piece by piece.
    func drain(_ body: (UnsafeRawBufferPointer) -> Void) {
        forEach(body)
        removeAll()
    }

    private func forEach(_ body: (UnsafeRawBufferPointer) -> Void) {
        for piece in pieces[..<count] { body(UnsafeRawBufferPointer(start: piece.iov_base, count: piece.iov_len)) }
    }

    private func drop(_ sent: Int) {
        guard sent < bytes else { return removeAll() }
        bytes -= sent
        var sent = sent
        var first = 0
        while sent >= pieces[first].iov_len {
            sent -= pieces[first].iov_len
            first += 1
        }
        pieces[first] = iovec(
            iov_base: pieces[first].iov_base.map { $0 + sent }, iov_len: pieces[first].iov_len - sent
        )
        for index in first..<count { pieces[index - first] = pieces[index] }
        count -= first
    }
}

#endif
