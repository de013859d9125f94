// SPDX-License-Identifier: Apache-2.0

import GRDBSQLite

/// SQLite without anything above it.
final class RawDatabase {
    struct Failed: Error, CustomStringConvertible {
        var description: String
    }

    /// A column's value as SQLite keeps it, so that a row can be copied whatever its columns are.
    enum Value {
        case null
        case integer(Int64)
        case text([UInt8])
        case blob([UInt8])
    }

    private var handle: OpaquePointer?

    init(_ path: String, readOnly: Bool = false) throws {
        let flags = readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        guard sqlite3_open_v2(path, &handle, flags | SQLITE_OPEN_NOMUTEX, nil) == SQLITE_OK else { throw failure }
    }

    deinit { sqlite3_close_v2(handle) }

    private var failure: Failed { Failed(description: sqlite3_errmsg(handle).map { String(cString: $0) } ?? "") }

    func execute(_ sql: String) throws {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure }
    }

    func rows(_ sql: String) throws -> [[Value]] {
        let statement = try prepare(sql)
        defer { sqlite3_finalize(statement) }
        var rows: [[Value]] = []
        while sqlite3_step(statement) == SQLITE_ROW {
            rows.append((0..<sqlite3_column_count(statement)).map { value(statement, $0) })
        }
        return rows
    }

    func prepare(_ sql: String) throws -> OpaquePointer? {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK
        else { throw failure }
        return statement
    }

    static func finalize(_ statement: OpaquePointer?) { sqlite3_finalize(statement) }

    /// Runs a statement that gives no rows.
    func run(_ statement: OpaquePointer?, _ values: [Value]) throws {
        for (place, value) in zip(Int32(1)..., values) { bind(statement, place, value) }
        guard sqlite3_step(statement) == SQLITE_DONE else { throw failure }
        sqlite3_reset(statement)
    }

    private func bind(_ statement: OpaquePointer?, _ place: Int32, _ value: Value) {
        // The bytes are copied: they are gone by the time the statement runs.
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .null: sqlite3_bind_null(statement, place)
        case .integer(let integer): sqlite3_bind_int64(statement, place, integer)
        case .text(let bytes):
            bytes.withUnsafeBytes { raw in
                let text = raw.assumingMemoryBound(to: CChar.self).baseAddress
                _ = sqlite3_bind_text(statement, place, text, Int32(raw.count), transient)
            }
        case .blob(let bytes):
            bytes.withUnsafeBytes { raw in
                _ = sqlite3_bind_blob(statement, place, raw.baseAddress, Int32(raw.count), transient)
            }
        }
    }

    private func value(_ statement: OpaquePointer?, _ column: Int32) -> Value {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_NULL: return .null
        case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, column))
        case let type:
            let bytes = sqlite3_column_blob(statement, column)
            let count = Int(sqlite3_column_bytes(statement, column))
            let array = Array(UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count))
            return type == SQLITE_TEXT ? .text(array) : .blob(array)
        }
    }
}
