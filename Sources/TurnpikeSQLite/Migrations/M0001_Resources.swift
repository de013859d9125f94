// SPDX-License-Identifier: Apache-2.0

extension Migration {
    /// The log, and the resources as the log has left them.
    ///
    /// Resources are documents beside the few columns that SQL needs, so that a new kind needs no migration. References
    /// are by name, as documents have them, so a resource may be replaced by another of its name within a transaction.
    static let m0001Resources = Migration(
        number: 1,
        sql: """
            CREATE TABLE revision (
                number INTEGER PRIMARY KEY CHECK (number > 0),
                at INTEGER NOT NULL, -- milliseconds since 1970
                actor TEXT NOT NULL,
                source TEXT NOT NULL, -- the address that the request came from
                reason TEXT NOT NULL,
                request_id TEXT NOT NULL,
                hash TEXT NOT NULL CHECK (length(hash) = 64) -- of this entry and the hash before it
            ) STRICT;

            CREATE INDEX revision_at ON revision (at);

            -- The entry before the oldest that is kept, once some have been forgotten.
            CREATE TABLE log_start (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                revision INTEGER NOT NULL,
                hash TEXT NOT NULL
            ) STRICT;

            CREATE TABLE change (
                revision INTEGER NOT NULL REFERENCES revision (number),
                position INTEGER NOT NULL,
                kind TEXT NOT NULL,
                tenant TEXT, -- that it is about
                name TEXT NOT NULL,
                before TEXT,
                after TEXT,
                PRIMARY KEY (revision, position),
                CHECK (before IS NOT NULL OR after IS NOT NULL)
            ) STRICT;

            CREATE INDEX change_tenant ON change (tenant, revision) WHERE tenant IS NOT NULL;

            CREATE TABLE resource (
                id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
                kind TEXT NOT NULL,
                tenant_id BLOB REFERENCES resource (id) DEFERRABLE INITIALLY DEFERRED,
                name TEXT NOT NULL,
                revision INTEGER NOT NULL,
                document TEXT NOT NULL,
                UNIQUE (tenant_id, kind, name)
            ) STRICT;

            -- Nulls are distinct to the constraint above, so names of resources without tenant need one of their own.
            CREATE UNIQUE INDEX resource_global ON resource (kind, name) WHERE tenant_id IS NULL;

            CREATE TABLE reference (
                -- The primary key's columns come first: SQLite 3.40's integrity check takes the others' places from that.
                from_id BLOB NOT NULL REFERENCES resource (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
                to_kind TEXT NOT NULL,
                to_name TEXT NOT NULL,
                tenant_id BLOB NOT NULL,
                PRIMARY KEY (from_id, to_kind, to_name),
                FOREIGN KEY (tenant_id, to_kind, to_name) REFERENCES resource (tenant_id, kind, name)
                    DEFERRABLE INITIALLY DEFERRED
            ) STRICT, WITHOUT ROWID;

            CREATE INDEX reference_to ON reference (tenant_id, to_kind, to_name);
            """
    )
}
