// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import NIOPosix
import TurnpikeProxyCore

/// Finds the addresses of names, on threads of its own, since the system's resolver blocks. Confined to its loop.
///
/// Those who ask for the same name at the same time share one question, so there are never more questions than endpoints.
/// Answers are not kept: the system's resolver knows how long they hold.
final class NameResolver {
    private static let threads = 4

    private let loop: EpollLoop
    private let pool = NIOThreadPool(numberOfThreads: threads)
    private var waiting: [EndpointAddress: [([PeerAddress]) -> Void]] = [:]

    init(loop: EpollLoop) {
        self.loop = loop
        pool.start()
    }

    deinit { pool.shutdownGracefully { _ in } }

    /// Calls back on the loop, with nothing where the name has no address.
    func resolve(_ endpoint: EndpointAddress, _ done: @escaping ([PeerAddress]) -> Void) {
        waiting[endpoint, default: []].append(done)
        guard waiting[endpoint]?.count == 1 else { return }
        let (loop, resolver) = (loop, LoopBound(self, on: loop))
        pool.submit { _ in
            let addresses = (try? PeerAddress.all(of: endpoint)) ?? []
            loop.execute { resolver.value.answer(endpoint, addresses) }
        }
    }

    private func answer(_ endpoint: EndpointAddress, _ addresses: [PeerAddress]) {
        for done in waiting.removeValue(forKey: endpoint) ?? [] { done(addresses) }
    }
}

#endif
