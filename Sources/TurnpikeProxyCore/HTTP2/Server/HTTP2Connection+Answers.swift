// SPDX-License-Identifier: Apache-2.0

// Heads of answers (RFC 9113 §8.3.2).
extension HTTP2Connection {
    /// Of a block's beginning, at most.
    private static let statusBytes = 16

    func write(_ head: HTTP1ResponseReader.Head, on stream: HTTP2Stream, endsStream: Bool) {
        var bound = Self.statusBytes
        head.forEach { bound += HPACKEncoder.sizeBound(name: $0.count, value: $1.count) }
        writeHead(of: stream, endsStream: endsStream, atMost: bound) { writer in
            HPACKEncoder.write(status: head.status, to: &writer)
            head.forEach { name, value in
                HPACKEncoder.write(name: self.lowercased(name), value: value, to: &writer)
            }
        }
    }
}
