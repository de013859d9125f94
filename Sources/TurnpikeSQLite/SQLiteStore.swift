// SPDX-License-Identifier: Apache-2.0

import GRDB
public import Logging
public import TurnpikeControl
public import TurnpikeTelemetry

/// The storage port on one SQLite file, `turnpike.sqlite` in the data directory.
///
/// One connection writes, several read beside it (WAL); a transaction is on the disk before its method returns
/// (`synchronous=FULL`). The directory is locked for as long as the store is open, so that two servers never share one.
public final class SQLiteStore: Store {
    let pool: DatabasePool
    private let directory: DataDirectory

    init(pool: DatabasePool, directory: DataDirectory) {
        self.pool = pool
        self.directory = directory
    }

    /// Opens the store, creating directory and file where they are missing, and brings its schema up to date.
    ///
    /// - Parameter path: the data directory.
    /// - Throws: `storageFailed`, naming the directory, where another server uses it, where the file is damaged, is not
    ///   Turnpike's or was written by a newer version (such a file is left as it is), or where the disk fails.
    public static func open(path: String, logger: Logger) async throws -> SQLiteStore {
        try open(path: path, logger: logger, migrator: Migrator(migrations: Migration.all))
    }

    /// Shows in metrics how large the database's files are.
    public func report(to metrics: MetricsRegistry) {
        for (name, suffix) in [("database", ""), ("wal", "-wal")] {
            let path = directory.databasePath + suffix
            metrics.gauge(
                .databaseBytes, help: "Bytes of the database's files, by file.", labels: [("file", name)],
                read: { Double(DataDirectory.size(of: path)) })
        }
    }

    /// Writes the schema's version over itself: SQLite writes the page that holds it whatever it held before.
    public func tryWriting() async throws {
        try await write { db in
            let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            try db.execute(sql: "PRAGMA user_version = \(version)")
        }
    }

    /// Ends the store: waits for what is under way, folds the WAL into the file and unlocks the directory. Methods
    /// called afterwards throw.
    public func close() async throws {
        // Not left to the last connection to close, which may be one that only reads. Where somebody else still reads, the
        // WAL stays beside the file, as after a crash, and loses nothing.
        _ = try? await pool.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
        do { try pool.close() } catch { throw storageFailure(error) }
        directory.unlock()
    }

    /// Runs `updates` in a transaction that is durable when this returns, and undone when this throws.
    ///
    /// Not GRDB's own `async` access: that one heeds the task's cancellation, and a caller who is told of a failure
    /// must be able to rely on nothing having happened.
    func write<Value: Sendable>(_ updates: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { caller in write(updates) { caller.resume(with: $0) } }
    }

    /// The same for those who do not wait: `done` is called on the writer's thread, which can do nothing else until it returns.
    func write<Value: Sendable>(
        _ updates: @escaping @Sendable (Database) throws -> Value,
        done: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        pool.asyncWrite(updates) { _, result in done(result.mapError(storageFailure)) }
    }

    /// Runs `value` on one snapshot of the database, beside other readers and the writer.
    func read<Value: Sendable>(_ value: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do { return try await pool.read(value) } catch { throw storageFailure(error) }
    }
}
