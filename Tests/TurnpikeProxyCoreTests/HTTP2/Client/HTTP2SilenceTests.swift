// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

/// An upstream that says nothing any more is asked whether it is there, and given up where it does not answer.
@Suite struct HTTP2SilenceTests {
    private let rig = HTTP2UpstreamRig()

    /// Lets time pass to the deadline, if that is no later.
    private func pass(_ seconds: Double) {
        let end = rig.now + UInt64(seconds * 1e9)
        while rig.connection.deadline <= end, !rig.connection.isOver {
            rig.now = max(rig.connection.deadline, rig.now)
            rig.connection.timerFired(now: rig.now)
            rig.settle()
        }
        rig.now = end
    }

    private var pings: [HTTP2Frame] {
        rig.frames(.ping, on: 0).filter { !$0.flags.contains(.acknowledges) }
    }

    private func answerPing() { rig.send(HTTP2Frame(.ping, .acknowledges, [UInt8](repeating: 0, count: 8))) }

    @Test func `a request that hears nothing makes a ping, and without an answer it fails and the connection is over`()
    {
        let user = rig.ask()
        pass(9.9)
        #expect(pings.isEmpty)
        pass(0.1)
        #expect(pings.count == 1 && pings.first?.payload.count == 8)
        pass(19.9)
        #expect(user.end == nil && !rig.connection.isOver && rig.connection.hasRoom)
        pass(0.1)
        #expect(user.end == .ended && rig.connection.isOver && !rig.connection.hasRoom)
        #expect(pings.count == 1 && rig.goodbye == .noError)
    }

    @Test func `an answered ping lets a slow answer have its time, and is not followed by others for long`() {
        let user = rig.ask()
        pass(12)
        answerPing()
        pass(280)
        #expect(pings.count == 1 && user.end == nil)
        pass(30)
        #expect(pings.count == 2)
        answerPing()
        rig.send(.answer(1))
        #expect(user.text.hasPrefix("HTTP/1.1 200"))
    }

    @Test func `an upstream that has answered since is asked again as soon as before`() {
        rig.ask()
        pass(12)
        answerPing()
        rig.send(.answer(1))
        rig.ask()
        pass(10)
        #expect(pings.count == 2)
    }

    @Test func `what comes for one request shows that the upstream is there for all`() {
        let (first, _) = (rig.ask(), rig.ask())
        rig.send(.answer(3, endsStream: false))
        for _ in 0..<100 {
            pass(5)
            rig.send(.data(3, "piece"))
        }
        #expect(pings.isEmpty && first.end == nil)
    }

    @Test func `later requests do not put the question off`() {
        rig.ask()
        for _ in 0..<9 {
            pass(1)
            rig.ask()
        }
        pass(1)
        #expect(pings.count == 1)
        for _ in 0..<19 {
            pass(1)
            rig.ask()
        }
        pass(1)
        #expect(rig.users.allSatisfy { $0.end == .ended })
    }

    @Test func `a connection without requests is not asked, and closes in its own time`() {
        rig.ask()
        rig.send(.answer(1))
        pass(59)
        #expect(pings.isEmpty && !rig.connection.isOver)
        pass(1)
        #expect(pings.isEmpty && rig.connection.isOver)
    }

    @Test func `a request on a connection that was idle gets the whole time`() {
        rig.ask()
        rig.send(.answer(1))
        pass(50)
        rig.ask()
        pass(9.9)
        #expect(pings.isEmpty)
        pass(0.1)
        #expect(pings.count == 1)
    }

    @Test func `requests that were not begun can be sent again elsewhere`() {
        let rig = HTTP2UpstreamRig(settings: [(3, 1)])
        let (begun, waiting) = (rig.ask(), rig.ask())
        for _ in 0..<2 {
            rig.now = rig.connection.deadline
            rig.connection.timerFired(now: rig.now)
            rig.settle()
        }
        #expect(begun.end == .ended && waiting.end == .refused)
    }
}
