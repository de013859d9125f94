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
    /// The engine's, held here as well: what an event goes through is not counted as held anew at each step.
    let gateway: Gateway

    init(from address: ClientAddress, engine: EpollEngine, loop: EpollLoop) {
        self.address = address
        self.engine = engine
        self.loop = loop
        gateway = engine.gateway
    }

    deinit { engine.load.left() }

    func leasesChanged() {}
    func drain() { abort() }
    func abort() {}
}

#endif
