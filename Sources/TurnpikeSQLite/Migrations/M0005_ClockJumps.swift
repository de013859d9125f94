// SPDX-License-Identifier: Apache-2.0

extension Migration {
    /// Where the clock jumped back. Between two such entries the log's times only grow, so that a time is found in it by halving.
    static let m0005ClockJumps = Migration(
        number: 5,
        sql: """
            CREATE TABLE clock_jump (
                revision INTEGER PRIMARY KEY -- of the entry whose time is before that of the entry before it
            ) STRICT;

            INSERT INTO clock_jump (revision)
                SELECT number FROM (SELECT number, at, lag(at) OVER (ORDER BY number) AS earlier FROM revision)
                WHERE at < earlier;
            """
    )
}
