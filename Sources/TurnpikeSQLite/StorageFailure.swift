// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeModel

/// A failure of the database as the rest of the product knows failures: a sentence that clients may read, and the
/// cause for the log. Other errors pass as they are.
func storageFailure(_ error: any Error) -> any Error {
    guard let error = error as? DatabaseError else { return error }
    return TurnpikeError(.storageFailed, publicDetail(of: error.resultCode), cause: error)
}

private func publicDetail(of code: ResultCode) -> String {
    switch code {
    case .SQLITE_FULL: "The disk that holds the data is full."
    case .SQLITE_READONLY: "The data can be read only, not written."
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: "The database file is damaged."
    case .SQLITE_CONSTRAINT: "The write contradicts what is stored."
    case .SQLITE_IOERR, .SQLITE_CANTOPEN: "The disk that holds the data does not work as it should."
    case .SQLITE_BUSY, .SQLITE_LOCKED: "The database is in use by another process."
    default: "The database failed."
    }
}
