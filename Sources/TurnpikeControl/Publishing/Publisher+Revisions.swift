// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeModel

extension Publisher {
    var isDraining: Bool { state.withLock(\.isDraining) }

    /// Waits until a revision above the given one is published.
    ///
    /// - Returns: whether there is one; not where the time is over, the task cancelled, or the control plane shuts down.
    func waitForRevision(above revision: Revision, timeout: Duration) async -> Bool {
        if self.revision > revision { return true }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(above: revision) }
            group.addTask { try? await Task.sleep(for: timeout) }
            await group.next()
            group.cancelAll()
        }
        return self.revision > revision
    }

    private func wait(above revision: Revision) async {
        let serial = state.withLock { state in
            state.lastSerial += 1
            return state.lastSerial
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { caller in
                let mustWait = state.withLock { state in
                    guard state.revision <= revision, !state.isDraining, !Task.isCancelled else { return false }
                    state.revisionWaits.add(serial, above: revision, caller)
                    return true
                }
                if !mustWait { caller.resume() }
            }
        } onCancel: {
            state.withLock { $0.revisionWaits.remove(serial: serial) }?.resume()
        }
    }
}
