// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
public import TurnpikeModel

/// What lies sealed in a data directory's database.
public enum SealedTexts {
    public enum Place: Sendable {
        /// In a resource, as it is.
        case resource
        /// In the log: in what a change found or left behind.
        case log
    }

    /// Goes through all sealed texts, while a server uses the directory or not. Changes nothing.
    ///
    /// - Throws: `storageFailed`.
    public static func forEach(
        in directory: String, _ each: (Place, String) -> Void
    ) throws(TurnpikeError) {
        do {
            let database = try OfflineDatabase.open(DataDirectory.databasePath(in: directory), isReadOnly: true)
            defer { try? database.close() }
            try database.read { db in
                try read(db, "SELECT document FROM resource WHERE kind = ?") { each(.resource, $0) }
                for side in ["before", "after"] {
                    try read(db, "SELECT \(side) FROM change WHERE kind = ? AND \(side) IS NOT NULL") { each(.log, $0) }
                }
            }
        } catch let error as TurnpikeError {
            throw error
        } catch { throw TurnpikeError(.storageFailed, "The database of '\(directory)' cannot be read.", cause: error) }
    }

    private static func read(_ db: Database, _ sql: String, _ each: (String) -> Void) throws {
        let documents = try Row.fetchCursor(db, sql: sql, arguments: [Kind.certificate.rawValue])
        while let row = try documents.next() {
            let document = StoredDocument(kind: Kind.certificate.rawValue, text: try row.decode(atIndex: 0))
            // One that cannot be read, `turnpike check` tells of.
            guard case .sealed(let text)? = (try? document.resource().spec as? Certificate)?.privateKey else {
                continue
            }
            each(text)
        }
    }

    /// Does something while no server uses a data directory, nor can begin to.
    ///
    /// - Throws: `storageFailed` where one does, or there is no database; what `body` throws.
    public static func whileUnused(_ directory: String, _ body: () throws(TurnpikeError) -> Void) throws(TurnpikeError)
    {
        guard FileManager.default.fileExists(atPath: DataDirectory.databasePath(in: directory)) else {
            throw TurnpikeError(.storageFailed, "There is no database in '\(directory)'.")
        }
        let claim = try DataDirectory(claiming: directory)
        defer { claim.unlock() }
        try body()
    }
}
