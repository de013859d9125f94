// SPDX-License-Identifier: Apache-2.0

extension Migration {
    /// What is kept beside the log about those who write it.
    static let m0003Access = Migration(
        number: 3,
        sql: """
            CREATE TABLE reply (
                id TEXT NOT NULL PRIMARY KEY, -- of who asked and its idempotency key
                fingerprint TEXT NOT NULL,
                at INTEGER NOT NULL, -- milliseconds since 1970
                revision INTEGER NOT NULL,
                sealed BLOB NOT NULL
            ) STRICT, WITHOUT ROWID;

            CREATE INDEX reply_at ON reply (at);

            CREATE TABLE credential_use (
                id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
                at INTEGER NOT NULL -- milliseconds since 1970
            ) STRICT, WITHOUT ROWID;
            """
    )
}
