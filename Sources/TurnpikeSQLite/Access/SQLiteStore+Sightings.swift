// SPDX-License-Identifier: Apache-2.0

import GRDB
public import TurnpikeControl
public import TurnpikeModel
import TurnpikeSnapshot

extension SQLiteStore {
    public func noteSightings(_ sightings: [ResourceID: WorkerSighting]) async throws {
        guard !sightings.isEmpty else { return }
        try await write { db in
            let statement = try db.cachedStatement(
                sql: """
                    INSERT INTO worker_sighting (id, at, announcement) VALUES (?, ?, ?)
                    ON CONFLICT (id) DO UPDATE SET at = excluded.at, announcement = excluded.announcement
                    """)
            for (id, sighting) in sightings {
                try statement.execute(
                    arguments: [id.blob, sighting.at.milliseconds, sighting.announcement?.json.text])
            }
            // Of workers that are no more, nobody asks.
            try db.execute(sql: "DELETE FROM worker_sighting WHERE id NOT IN (SELECT id FROM resource)")
        }
    }

    public func sightings() async throws -> [ResourceID: WorkerSighting] {
        try await read { db in
            var sightings: [ResourceID: WorkerSighting] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT id, at, announcement FROM worker_sighting") {
                sightings[try row.id(atIndex: 0)] = try WorkerSighting(row)
            }
            return sightings
        }
    }
}

extension WorkerSighting {
    fileprivate init(_ row: Row) throws {
        let text: String? = try row.decode(atIndex: 2)
        var announcement: WorkerAnnouncement?
        if let text { announcement = try WorkerAnnouncement(json: try JSON.parse(text)) }
        self.init(at: Timestamp(milliseconds: try row.decode(atIndex: 1)), announcement: announcement)
    }
}
