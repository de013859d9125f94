// SPDX-License-Identifier: Apache-2.0

extension Migration {
    /// When workers were last seen, and what they said of themselves then.
    static let m0004Sightings = Migration(
        number: 4,
        sql: """
            CREATE TABLE worker_sighting (
                id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
                at INTEGER NOT NULL, -- milliseconds since 1970
                announcement TEXT -- JSON
            ) STRICT, WITHOUT ROWID;
            """
    )
}
