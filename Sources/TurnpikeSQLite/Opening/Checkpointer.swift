// SPDX-License-Identifier: Apache-2.0

import GRDB
import GRDBSQLite
import Logging
import Synchronization

/// Copies what the WAL holds into the database's file, beside the writer: on a connection of its own, while writes go on.
/// SQLite would do it within the write that makes the WAL long, and all that come after would wait.
///
/// A WAL begins anew with the first write that finds all of it copied. What was written during a pass is left for the next
/// one, and the last few pages, which writes without a pause would always leave, are the writer's to copy, between two
/// transactions. So the WAL stays as long as what is written during a pass, but for readers that hold an older state.
final class Checkpointer: Sendable {
    /// Pages that wait to be copied, from which on a pass begins: some 4 MiB.
    static let interval = 1000
    /// Pages that are few enough for the writer to copy.
    private static let fewPages = 256

    private struct State {
        /// Pages of the WAL that are in the file; 0 where all are, for then it begins anew.
        var copied = 0
        var isUnderWay = false
        var isClosed = false
    }

    private let pool: DatabasePool
    let connection: DatabaseQueue
    private let mostPages: Int
    private let logger: Logger
    private let state = Mutex(State())
    /// Pages of the WAL after the last commit.
    private let pages = Atomic<Int>(0)

    /// - Parameters:
    ///   - pool: must not be written to but by those who hold the checkpointer, and tell it of each write.
    ///   - mostPages: of the WAL, from which on each write waits for a pass, so that the disk does not fill: 256 MiB.
    init(pool: DatabasePool, configuration: Configuration, mostPages: Int = 65_536, logger: Logger) throws {
        self.pool = pool
        self.mostPages = mostPages
        self.logger = logger
        connection = try DatabaseQueue(path: pool.path, configuration: configuration)
        // A connection that has read nothing does not know yet that there is a WAL, and would copy nothing.
        try connection.read { db in try db.execute(sql: "SELECT count(*) FROM sqlite_schema") }
        // Invariant: whoever writes by the pool holds the checkpointer, so that it is there whenever the hook is called.
        let context = Unmanaged.passUnretained(self).toOpaque()
        try pool.writeWithoutTransaction { db in
            // In the place of SQLite's own hook, which is what would copy within the write.
            sqlite3_wal_hook(
                db.sqliteConnection,
                { context, _, _, pages in
                    guard let context else { return SQLITE_OK }
                    Unmanaged<Checkpointer>.fromOpaque(context).takeUnretainedValue()
                        .pages.store(Int(pages), ordering: .relaxed)
                    return SQLITE_OK
                }, context)
        }
    }

    /// Whether a pass is due or under way.
    var isUnderWay: Bool { state.withLock(\.isUnderWay) }

    /// Something was written. Called on the writer's thread, after those who waited for it have been told.
    func noteWrite() {
        let pages = pages.load(ordering: .relaxed)
        let isDue = state.withLock { state in
            if pages < state.copied { state.copied = 0 }
            guard !state.isUnderWay, !state.isClosed, pages - state.copied >= Self.interval else { return false }
            state.isUnderWay = true
            return true
        }
        if isDue { connection.asyncWriteWithoutTransaction { self.pass($0) } }
        if pages >= mostPages { try? connection.writeWithoutTransaction { self.pass($0) } }
    }

    /// Returns once no pass is under way; none begins afterwards.
    func close() throws {
        state.withLock { $0.isClosed = true }
        try connection.close()
    }

    private func pass(_ db: Database) {
        while true {
            let before = state.withLock { $0.isClosed ? nil : $0.copied }
            guard let before, let left = copy(db) else { break }
            if left == 0 { break }
            if left <= Self.fewPages { return pool.asyncWriteWithoutTransaction { self.copyLastPages($0) } }
            // Nothing comes of trying again while somebody reads an older state.
            if state.withLock({ $0.copied }) <= before { break }
        }
        state.withLock { $0.isUnderWay = false }
    }

    private func copyLastPages(_ db: Database) {
        if state.withLock({ !$0.isClosed }) { _ = copy(db) }
        state.withLock { $0.isUnderWay = false }
    }

    /// - Returns: how many pages of the WAL are left to be copied; `nil` where nothing could be.
    private func copy(_ db: Database) -> Int? {
        do {
            let (pages, copied) = try db.checkpoint(.passive)
            state.withLock { $0.copied = copied < pages ? copied : 0 }
            return max(0, pages - copied)
        } catch {
            // Not now: another process may be at it. Nothing is lost by that, the WAL grows.
            logger.warning("The WAL could not be copied into the database", metadata: ["error": "\(error)"])
            return nil
        }
    }
}
