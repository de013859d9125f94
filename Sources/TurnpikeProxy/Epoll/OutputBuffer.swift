// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

/// What a socket has not taken yet. Holds no memory while there is nothing.
struct OutputBuffer {
    private var bytes: [UInt8] = []
    /// Bytes at the front that were sent.
    private var sent = 0

    var count: Int { bytes.count - sent }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ piece: UnsafeRawBufferPointer) {
        // Moving what is left to the front costs no more than sending what was before it did.
        if sent > 0, sent >= count {
            bytes.removeFirst(sent)
            sent = 0
        }
        bytes.append(contentsOf: piece)
    }

    /// Sends what the socket takes now.
    mutating func transmit(to descriptor: Descriptor) -> Transfer {
        let sent = sent
        let transfer = bytes.withUnsafeBytes {
            descriptor.transmit(UnsafeRawBufferPointer(rebasing: $0[sent...]))
        }
        if case .bytes(let count) = transfer { self.sent += count }
        if isEmpty { removeAll() }
        return transfer
    }

    mutating func removeAll() {
        bytes = []
        sent = 0
    }
}

#endif
