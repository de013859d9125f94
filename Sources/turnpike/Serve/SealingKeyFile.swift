// SPDX-License-Identifier: Apache-2.0

import Foundation
import TurnpikeIdentity
import TurnpikeModel

/// The file of the keys by which private keys of certificates are sealed, readable by its owner only. It is in no backup of the
/// database: whoever has one of the two has nothing.
struct SealingKeyFile {
    let path: String

    /// - Parameter path: `nil`: beside the database.
    init(_ path: String?, dataFolder: String) { self.path = path ?? dataFolder + "/sealing.key" }

    var exists: Bool { FileManager.default.fileExists(atPath: path) }

    /// The keys that are there, or a new one where there is no file.
    ///
    /// - Parameter made: whether one is made; else it has to be there.
    /// - Throws: `storageFailed` where the file is something else, or cannot be read or made: another key would open nothing
    ///   that was sealed by this one.
    func keys(made: Bool = true) throws(TurnpikeError) -> SealingKeys {
        guard exists || !made else {
            let keys = SealingKeys(SealingKey())
            try keep(keys)
            return keys
        }
        guard let text = FileManager.default.contents(atPath: path),
            let keys = SealingKeys(text: String(decoding: text, as: UTF8.self))
        else {
            throw TurnpikeError(
                .storageFailed,
                "The sealing key '\(path)' cannot be read, or is not 1 to \(SealingKeys.most) lines of 64 hexadecimal digits."
            )
        }
        return keys
    }

    /// Puts keys in the place of those that are there. Whoever reads the file, after a crash too, finds the ones or the others.
    ///
    /// - Throws: `storageFailed`; the file is as it was then.
    func keep(_ keys: SealingKeys) throws(TurnpikeError) {
        do { try write(keys) } catch {
            throw TurnpikeError(.storageFailed, "The sealing key '\(path)' cannot be written.", cause: error)
        }
    }

    private func write(_ keys: SealingKeys) throws {
        let place = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let draft = place + ".new"
        let files = FileManager.default
        try? files.removeItem(atPath: draft)
        guard files.createFile(atPath: draft, contents: nil, attributes: [.posixPermissions: 0o600]) else {
            throw CocoaError(.fileWriteUnknown)
        }
        // Whoever changes the key need not be who runs the control plane.
        if let before = try? files.attributesOfItem(atPath: place) {
            let owner = before.filter { [.ownerAccountID, .groupOwnerAccountID, .posixPermissions].contains($0.key) }
            try files.setAttributes(owner, ofItemAtPath: draft)
        }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: draft))
        try handle.write(contentsOf: Data(keys.text.utf8))
        try handle.synchronize()
        try handle.close()
        guard rename(draft, place) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        let folder = try FileHandle(forReadingFrom: URL(fileURLWithPath: place).deletingLastPathComponent())
        try folder.synchronize()
        try folder.close()
    }
}
