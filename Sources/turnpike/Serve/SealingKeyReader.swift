// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeControl
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeTelemetry

/// Has the control plane take the sealing keys of its file anew, whenever it is told to.
struct SealingKeyReader: Sendable {
    let file: SealingKeyFile
    let hangUps: AsyncStream<Void>
    let logger: Logger

    /// Returns when cancelled.
    func run(for control: ControlPlane) async {
        for await _ in hangUps {
            do throws(TurnpikeError) {
                let keys = try file.keys(made: false)
                try await control.take(keys)
                logger.info("The sealing keys are read anew.", metadata: [LogKey.count: "\(keys.all.count)"])
            } catch {
                logger.error(
                    "The sealing keys cannot be read anew; the former ones stay.",
                    metadata: [LogKey.error: "\(error)"])
            }
        }
    }
}
