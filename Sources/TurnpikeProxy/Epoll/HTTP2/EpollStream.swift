// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// One stream of a client's HTTP/2 connection, as what serves it sees it. Confined to its loop.
final class EpollStream: EpollCarrier {
    private let stream: HTTP2Stream
    /// Sends at the end of the turn what its streams have put into frames.
    private let connection: EpollHTTP2Client
    private(set) var isOpen = true

    init(_ stream: HTTP2Stream, of connection: EpollHTTP2Client) {
        self.stream = stream
        self.connection = connection
    }

    var isHTTP2: Bool { true }
    var isOver: Bool { stream.isOver }
    var isSent: Bool { stream.isSent }

    /// A stream has no other protocol to switch to.
    func allowHalfClose() {}

    func setReading(_ reads: Bool) {
        stream.setReading(reads)
        connection.wantsTurnEnd()
    }

    func send(_ gathered: Gather) {
        guard !gathered.isEmpty else { return }
        gathered.drain { stream.send($0) }
        connection.wantsTurnEnd()
    }

    /// The end of a stream is told by its last frame.
    func sayGoodbye() {}

    func shutDownOutput() {
        stream.endOutput()
        connection.wantsTurnEnd()
    }

    func close(reset: Bool) {
        isOpen = false
        stream.close(reset: reset)
        connection.wantsTurnEnd()
    }
}

#endif
