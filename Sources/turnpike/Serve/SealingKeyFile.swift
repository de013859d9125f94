// SPDX-License-Identifier: Apache-2.0

import Foundation
import TurnpikeIdentity
import TurnpikeModel

/// The file of the key under which private keys of certificates are sealed, readable by its owner only. It is in no backup of the
/// database: whoever has one of the two has nothing.
struct SealingKeyFile {
    let path: String

    /// - Parameter path: `nil`: beside the database.
    init(_ path: String?, dataFolder: String) { self.path = path ?? dataFolder + "/sealing.key" }

    /// The key that is there, or a new one where there is no file.
    ///
    /// - Throws: `storageFailed` where the file is something else, or cannot be read or made: another key would open nothing
    ///   that was sealed by this one.
    func key() throws(TurnpikeError) -> SealingKey {
        guard FileManager.default.fileExists(atPath: path) else {
            let key = SealingKey()
            do { try keep(key) } catch {
                throw TurnpikeError(.storageFailed, "The sealing key '\(path)' cannot be written.", cause: error)
            }
            return key
        }
        guard let text = FileManager.default.contents(atPath: path),
            let key = SealingKey(text: String(decoding: text, as: UTF8.self))
        else {
            throw TurnpikeError(
                .storageFailed, "The sealing key '\(path)' cannot be read, or is not 64 hexadecimal digits.")
        }
        return key
    }

    /// Gives the file its name only once it is whole.
    private func keep(_ key: SealingKey) throws {
        let draft = path + ".new"
        let files = FileManager.default
        try? files.removeItem(atPath: draft)
        guard files.createFile(atPath: draft, contents: nil, attributes: [.posixPermissions: 0o600]) else {
            throw CocoaError(.fileWriteUnknown)
        }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: draft))
        try handle.write(contentsOf: Data((key.text + "\n").utf8))
        try handle.synchronize()
        try handle.close()
        try files.moveItem(atPath: draft, toPath: path)
    }
}
