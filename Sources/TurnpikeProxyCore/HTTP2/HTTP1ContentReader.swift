// SPDX-License-Identifier: Apache-2.0

/// Takes the content of one HTTP/1.1 message out of its framing, for HTTP/2 to frame it anew.
struct HTTP1ContentReader: Sendable {
    private enum State: Sendable {
        case length(remaining: UInt64)
        case chunked
        case untilClose
        case complete
    }

    private var state: State
    // Beside the state and not inside it, so that stepping it does not copy it out and in.
    private var chunks = ChunkDecoder(keepsTrailers: true)

    init(_ framing: BodyFraming) {
        state =
            switch framing {
            case .none, .length(0): .complete
            case .length(let length): .length(remaining: length)
            case .chunked: .chunked
            case .untilClose: .untilClose
            }
    }

    var isComplete: Bool { if case .complete = state { true } else { false } }

    /// The message is over if its sender closes now.
    var mayEndNow: Bool {
        switch state {
        case .complete, .untilClose: true
        case .length, .chunked: false
        }
    }

    /// What came behind chunked content.
    var trailers: [(name: String, value: String)] { chunks.trailers }

    /// Takes the next bytes, and hands out the payload among them.
    ///
    /// - Throws: where the framing is broken.
    mutating func read(
        _ bytes: UnsafeRawBufferPointer, _ payload: (UnsafeRawBufferPointer) -> Void
    ) throws(HTTPFault) {
        switch state {
        case .complete: break
        case .untilClose: payload(bytes)
        case .length(let remaining):
            let taken = min(remaining, UInt64(bytes.count))
            state = taken == remaining ? .complete : .length(remaining: remaining - taken)
            payload(UnsafeRawBufferPointer(rebasing: bytes[..<Int(taken)]))
        case .chunked:
            var offset = 0
            while true {
                switch try chunks.next(in: bytes, at: &offset) {
                case .payload(let range): payload(bytes[range])
                case .needMore: return
                case .end:
                    state = .complete
                    return
                }
            }
        }
    }
}
