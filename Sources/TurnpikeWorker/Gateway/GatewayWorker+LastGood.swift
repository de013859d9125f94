// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry

extension GatewayWorker {
    /// Serves by the last good configuration at once, control plane or not.
    ///
    /// - Returns: the revision that is served then; `nil` where there is none, and where not all of it is served, so that the
    ///   control plane tells everything again.
    func restore(from store: LastGoodStore, to sink: GatewaySink) async -> Revision? {
        var served: Revision?
        var lacking: [Acknowledgement.Reason] = []
        do {
            _ = try await store.load { delta in
                let (reasons, left) = await sink.restore(delta)
                lacking += left
                guard reasons.isEmpty else {
                    throw StartFailure(
                        what: "it cannot be served by this version",
                        cause: GatewayConfiguration.Rejection(reasons: Array(reasons.prefix(3))))
                }
                served = delta.revision
            }
        } catch {
            logger.error(
                "The last good configuration cannot be used whole.",
                metadata: [LogKey.error: "\(error)", LogKey.revision: "\(served ?? 0)"])
        }
        guard let served else { return nil }
        logger.info("Serving by the last good configuration.", metadata: [LogKey.revision: "\(served)"])
        for reason in lacking.prefix(10) {
            logger.error(
                "A certificate is not shown until the control plane is there.",
                metadata: [LogKey.name: "\(reason.name)", LogKey.reason: "\(reason.detail)"])
        }
        return lacking.isEmpty && store.isComplete ? served : nil
    }

    func keepLastGood(in store: LastGoodStore) async throws {
        await withGracefulShutdownHandler {
            await store.run()
        } onGracefulShutdown: {
            store.finish()
        }
    }
}
