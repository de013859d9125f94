// SPDX-License-Identifier: Apache-2.0

import GRDB
import GRDBSQLite
import TurnpikeModel

extension Database {
    /// Runs a statement that gives no rows, for what is written by the thousand: values go from Swift into SQLite as they
    /// are. GRDB's own arguments are boxed and copied first, which costs a third of what the row does.
    ///
    /// - Parameters:
    ///   - sql: prepared once a connection.
    ///   - bind: binds the arguments, all of them, in their order.
    func run(_ sql: String, _ bind: (inout RowBinder) -> Void) throws {
        try run(cachedStatement(sql: sql), bind)
    }

    /// The same with a statement that is at hand.
    func run(_ statement: Statement, _ bind: (inout RowBinder) -> Void) throws {
        let (code, row) = step(statement, bind)
        defer { sqlite3_reset(row) }
        guard code == SQLITE_DONE else { throw failure(code, of: statement) }
    }

    /// Runs a statement and reads the first of its rows; `nil` where it gives none.
    func first<Value>(
        _ sql: String, _ bind: (inout RowBinder) -> Void = { _ in }, read: (RowReader) -> Value
    ) throws -> Value? {
        let statement = try cachedStatement(sql: sql)
        let (code, row) = step(statement, bind)
        defer { sqlite3_reset(row) }
        guard code != SQLITE_DONE else { return nil }
        guard code == SQLITE_ROW else { throw failure(code, of: statement) }
        return read(RowReader(row))
    }

    private func step(_ statement: Statement, _ bind: (inout RowBinder) -> Void) -> (code: Int32, row: OpaquePointer) {
        var binder = RowBinder(statement.sqliteStatement)
        bind(&binder)
        return (binder.failure ?? sqlite3_step(statement.sqliteStatement), statement.sqliteStatement)
    }

    private func failure(_ code: Int32, of statement: Statement) -> DatabaseError {
        DatabaseError(
            resultCode: ResultCode(rawValue: code), message: String(cString: sqlite3_errmsg(sqliteConnection)),
            sql: statement.sql)
    }
}

/// Reads the columns of the row at which a statement stands, counted from 0.
struct RowReader {
    private let statement: OpaquePointer

    fileprivate init(_ statement: OpaquePointer) { self.statement = statement }

    /// 0 for `NULL`.
    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

    /// `nil` for anything but 16 bytes.
    func id(_ column: Int32) -> ResourceID? {
        guard let blob = sqlite3_column_blob(statement, column), sqlite3_column_bytes(statement, column) == 16 else {
            return nil
        }
        func word(_ place: Int) -> UInt64 {
            UInt64(bigEndian: blob.loadUnaligned(fromByteOffset: 8 * place, as: UInt64.self))
        }
        return ResourceID(high: word(0), low: word(1))
    }
}

/// Binds one row's values, the first to `?1`, the next to `?2`, and so on.
struct RowBinder {
    private let statement: OpaquePointer
    private var place: Int32 = 0
    /// Why a value could not be bound: one too many, or too large.
    fileprivate private(set) var failure: Int32?

    fileprivate init(_ statement: OpaquePointer) { self.statement = statement }

    /// SQLite copies what it is given: the bytes are good for the call only.
    private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    mutating func bind(_ integer: Int64) { next { sqlite3_bind_int64($0, $1, integer) } }

    mutating func bind(_ text: String?) {
        guard var text else { return next { sqlite3_bind_null($0, $1) } }
        next { statement, place in
            text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { characters in
                    // A text without bytes may have no address, which SQLite would take for NULL.
                    guard let start = characters.baseAddress else {
                        return sqlite3_bind_text(statement, place, "", 0, Self.copied)
                    }
                    return sqlite3_bind_text(statement, place, start, Int32(clamping: characters.count), Self.copied)
                }
            }
        }
    }

    mutating func bind(_ id: ResourceID?) {
        guard let id else { return next { sqlite3_bind_null($0, $1) } }
        next { statement, place in
            withUnsafeBytes(of: (id.high.bigEndian, id.low.bigEndian)) {
                sqlite3_bind_blob(statement, place, $0.baseAddress, Int32($0.count), Self.copied)
            }
        }
    }

    private mutating func next(_ bind: (OpaquePointer, Int32) -> Int32) {
        place += 1
        let code = bind(statement, place)
        if code != SQLITE_OK { failure = failure ?? code }
    }
}
