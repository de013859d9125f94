// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// Who sends at the end of the turn what streams have put into frames.
protocol EpollStreamKeeper: AnyObject {
    /// There is, or may be, something to send.
    func wantsTurnEnd()
}

/// One stream of HTTP/2, as who serves its client, or uses its upstream, sees it. Confined to its loop.
final class EpollStream: EpollCarrier {
    private let stream: HTTP2Flow
    private let connection: any EpollStreamKeeper
    private(set) var isOpen = true

    init(_ stream: HTTP2Flow, of connection: any EpollStreamKeeper) {
        self.stream = stream
        self.connection = connection
    }

    var isHTTP2: Bool { true }
    var isOver: Bool { stream.isOver }
    var isSent: Bool { stream.isSent }
    var isWritable: Bool { stream.isWritable }
    /// What ends without having told its end is not whole.
    var isCutOff: Bool { true }
    /// What has become of TLS is the connection's to tell.
    var fault: TLSFault? { nil }

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
