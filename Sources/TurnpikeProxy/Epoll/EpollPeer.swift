// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

typealias EpollEngine = LoopEngine<EpollPeer, EpollUpstream>

/// What holds a client's connection: an ``EpollHandshake`` until its TLS is established, and an ``EpollClient`` from then on.
/// Confined to its loop, whose load counts it for as long as it lives.
class EpollPeer: EngineClient {
    let address: ClientAddress
    let engine: EpollEngine
    let loop: EpollLoop

    init(from address: ClientAddress, engine: EpollEngine, loop: EpollLoop) {
        self.address = address
        self.engine = engine
        self.loop = loop
    }

    deinit { engine.load.left() }

    func leasesChanged() {}
    func drain() { abort() }
    func abort() {}
}

#endif
