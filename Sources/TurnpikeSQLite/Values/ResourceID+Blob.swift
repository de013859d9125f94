// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import TurnpikeModel

/// Ids are 16 bytes, most significant first, so that SQLite orders them as Swift does.
extension ResourceID {
    var blob: Data {
        Data([high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } })
    }

    init?(blob: Data) {
        guard blob.count == 16 else { return nil }
        let words = [blob.prefix(8), blob.suffix(8)].map { $0.reduce(0) { UInt64($0) << 8 | UInt64($1) } }
        self.init(high: words[0], low: words[1])
    }
}

extension Row {
    func id(atIndex index: Int) throws -> ResourceID {
        guard let id = ResourceID(blob: try decode(atIndex: index)) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "an id is not 16 bytes long")
        }
        return id
    }
}
