// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
public import TurnpikeSnapshot

/// A worker's open stream.
///
/// Nothing is queued for it: each delta is worked out when the worker is ready for it, from what was sent last to what
/// is newest then, so that a slow worker gets the newest state and never a backlog. Heartbeats fill the silence, as long
/// as ``ControlPlane/run()`` runs. One caller at a time takes frames; a second one is told that the stream has ended.
public final class WorkerStream: Sendable {
    private let publisher: Publisher
    private let worker: ResourceID
    private let serial: UInt64

    init(publisher: Publisher, worker: ResourceID, serial: UInt64) {
        self.publisher = publisher
        self.worker = worker
        self.serial = serial
    }

    deinit { close() }

    /// Waits for the next frames, at most 1,000 of them.
    ///
    /// - Returns: `nil` once the stream has ended: after `[.revoked]`, when a newer stream of the same worker was
    ///   opened, when it was closed or the waiting task was cancelled, or when the control plane shuts down.
    public func next() async -> [Frame]? {
        await withTaskCancellationHandler {
            while !Task.isCancelled {
                switch publisher.step(worker, serial) {
                case .frames(let frames): return frames
                case .ended: return nil
                case .wait: await publisher.waitForNews(worker, serial)
                }
            }
            return nil
        } onCancel: {
            close()
        }
    }

    /// Ends the stream. The worker counts as not connected from then on, unless a newer stream is open.
    public func close() { publisher.close(worker, serial) }
}
