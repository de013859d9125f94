// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeTelemetry

/// The sealing keys that a gateway was given, on disk and in memory: it opens certificates without the control plane, after a
/// restart too. The file is readable by its owner only and is replaced as a whole.
///
/// Former keys stay, for certificates that were sealed by them and are shown still. Safe from any thread; ``adopt(_:)`` blocks.
final class SealingKeyRing: Sendable {
    private let file: String
    /// The newest first.
    private let keys: Mutex<[SealingKey]>

    /// Reads the keys that there are. A file that cannot be read is no reason not to start: the control plane gives its key again.
    init(file: String, logger: Logger) {
        self.file = file
        do {
            let text = try DurableFile.read(file, limit: 1 << 12).map { String(decoding: $0, as: UTF8.self) } ?? ""
            let lines = text.split(separator: "\n")
            let read = lines.compactMap { SealingKey(text: String($0)) }
            keys = Mutex(read)
            if read.count < lines.count {
                logger.error("The file of sealing keys is damaged.", metadata: [LogKey.file: "\(file)"])
            }
        } catch {
            keys = Mutex([])
            logger.error(
                "The sealing keys cannot be read.", metadata: [LogKey.file: "\(file)", LogKey.error: "\(error)"])
        }
    }

    func key(_ id: String) -> SealingKey? { keys.withLock { $0.first { $0.id == id } } }

    /// Stores keys, and uses them only then.
    ///
    /// - Throws: ``FileFailure``.
    func adopt(_ given: SealingKeys) throws {
        let ids = Set(given.all.map(\.id))
        try keys.withLock { keys in
            let known = Array((given.all + keys.filter { !ids.contains($0.id) }).prefix(SealingKeys.most))
            try DurableFile.replace(file, with: Array(known.map { $0.text + "\n" }.joined().utf8))
            keys = known
        }
    }
}
