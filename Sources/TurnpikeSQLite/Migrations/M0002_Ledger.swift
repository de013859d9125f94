// SPDX-License-Identifier: Apache-2.0

extension Migration {
    /// The ledger of usage and leases. It outlives the resources that it is about, so nothing here refers to them.
    ///
    /// The rows of a series lie in the order in which reports read them, so that the table needs no index beside it.
    static let m0002Ledger = Migration(
        number: 2,
        sql: """
            CREATE TABLE usage_epoch (
                id INTEGER PRIMARY KEY,
                worker BLOB NOT NULL CHECK (length(worker) = 16),
                epoch INTEGER NOT NULL,
                sequence INTEGER NOT NULL CHECK (sequence >= 0), -- of the newest batch taken; 0: none yet
                is_closed INTEGER NOT NULL CHECK (is_closed IN (0, 1)),
                UNIQUE (worker, epoch)
            ) STRICT;

            CREATE TABLE usage_series (
                tenant BLOB NOT NULL CHECK (length(tenant) = 16),
                minute INTEGER NOT NULL, -- since 1970
                api_key BLOB NOT NULL CHECK (length(api_key) = 16), -- zeros: no valid key
                route BLOB NOT NULL CHECK (length(route) = 16),
                status_class INTEGER NOT NULL CHECK (status_class BETWEEN 1 AND 5),
                epoch_id INTEGER NOT NULL REFERENCES usage_epoch (id),
                requests INTEGER NOT NULL CHECK (requests >= 0),
                bytes_in INTEGER NOT NULL CHECK (bytes_in >= 0),
                bytes_out INTEGER NOT NULL CHECK (bytes_out >= 0),
                units INTEGER NOT NULL CHECK (units >= 0),
                PRIMARY KEY (tenant, minute, api_key, route, status_class, epoch_id)
            ) STRICT, WITHOUT ROWID;

            CREATE TABLE lease (
                quota BLOB NOT NULL CHECK (length(quota) = 16),
                subject BLOB NOT NULL CHECK (length(subject) = 16),
                period_start INTEGER NOT NULL, -- milliseconds since 1970
                epoch_id INTEGER NOT NULL REFERENCES usage_epoch (id),
                granted INTEGER NOT NULL CHECK (granted >= 0),
                released INTEGER NOT NULL CHECK (released >= 0),
                consumed INTEGER NOT NULL CHECK (consumed >= 0),
                PRIMARY KEY (quota, subject, period_start, epoch_id)
            ) STRICT, WITHOUT ROWID;
            """
    )
}
