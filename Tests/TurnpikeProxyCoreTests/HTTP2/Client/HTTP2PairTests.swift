// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

/// The client's side against the server's, whoever sends, takes, leaves or says goodbye when.
@Suite struct HTTP2PairTests {
    @Test(arguments: 0..<16 as Range<UInt64>)
    func `both ends agree on every byte of every message, and nothing is left`(seed: UInt64) throws {
        do {
            try HTTP2PairSimulation(seed: seed).run()
        } catch let broken as HTTP2PairSimulation.Broken {
            Issue.record("seed \(seed): \(broken.what)")
        }
    }
}
