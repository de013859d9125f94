// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import COpenSSL

/// The memory between a loop's TLS sessions and its sockets, which sessions use one after the other: none keeps any of its own
/// from one event to the next. Confined to its loop.
final class TLSWire {
    /// Content of a record at most (RFC 8446 §5.1).
    static let recordBytes = 1 << 14

    /// Ciphertext that came and was not read yet; empty but while a session reads.
    private(set) var arrived = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Ciphertext to be sent.
    private(set) var departing: [UInt8] = []
    /// What a session has read: good until the event is over.
    let plaintext: UnsafeMutableRawBufferPointer
    /// What becomes one record.
    let record = UnsafeMutableRawBufferPointer.allocate(byteCount: recordBytes, alignment: 64)
    /// What `departing` is sent by.
    private let gather = Gather()

    /// - Parameter arrivingBytes: ciphertext that comes in one event, at most.
    init(arrivingBytes: Int) {
        // What is decrypted is no larger than what it came in; the beginning of its first record came before.
        plaintext = .allocate(byteCount: arrivingBytes + 2 * Self.recordBytes, alignment: 64)
    }

    deinit {
        plaintext.deallocate()
        record.deallocate()
    }

    func reading<Result>(_ ciphertext: UnsafeRawBufferPointer, _ body: () -> Result) -> Result {
        arrived = ciphertext
        defer { arrived = UnsafeRawBufferPointer(start: nil, count: 0) }
        return body()
    }

    var departingBytes: Int { departing.count }

    /// Hands out what is to be sent, as what a socket sends by. What `body` leads to may bring more, which then waits.
    func depart(_ body: (Gather) -> Void) {
        guard !departing.isEmpty else { return }
        var bytes = departing
        departing = []
        bytes.withUnsafeBytes { bytes in
            gather.append(bytes)
            body(gather)
        }
        guard departing.isEmpty, bytes.capacity <= Self.mostKept else { return }
        bytes.removeAll(keepingCapacity: true)
        departing = bytes
    }

    /// Memory that is kept for what is to be sent.
    private static let mostKept = 128 << 10

    // MARK: - OpenSSL's side

    /// OpenSSL's end of the wire. Whoever takes it frees it, and keeps the wire for as long.
    func makeEnd() -> OpaquePointer? {
        guard let end = BIO_new(Self.method) else { return nil }
        BIO_set_data(end, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(end, 1)
        return end
    }

    // Invariant: set once and never changed; OpenSSL only reads it.
    nonisolated(unsafe) private static let method: OpaquePointer? = {
        let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire")
        BIO_meth_set_read(method) { end, into, count in
            guard let into, let wire = wire(at: end) else { return -1 }
            let taken = wire.read(into, atMost: Int(count))
            if taken == 0 { BIO_set_flags(end, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY) }
            return taken == 0 ? -1 : Int32(taken)
        }
        BIO_meth_set_write(method) { end, bytes, count in
            guard let bytes, let wire = wire(at: end) else { return -1 }
            wire.departing.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            return count
        }
        // There is nothing to flush, since all is passed on as it comes. OpenSSL asks for no more than that.
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return method
    }()

    private static func wire(at end: OpaquePointer?) -> TLSWire? {
        BIO_clear_flags(end, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
        return BIO_get_data(end).map { Unmanaged<TLSWire>.fromOpaque($0).takeUnretainedValue() }
    }

    private func read(_ into: UnsafeMutablePointer<CChar>, atMost count: Int) -> Int {
        let taken = min(count, arrived.count)
        UnsafeMutableRawBufferPointer(start: into, count: count).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: arrived[..<taken]))
        arrived = UnsafeRawBufferPointer(rebasing: arrived[taken...])
        return taken
    }
}

#endif
