// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import TurnpikeControl

@Suite struct ChangeFeedTests {
    @Test func `a feed goes on where what is asked for is far apart`() async throws {
        let test = try await TestPlane.start()
        try await test.write(.create(.tenant, body: ["name": "acme"]))
        for number in 0..<25 {
            let kind: Kind = number % 10 == 9 ? .quota : .service
            let body: JSON = kind == .quota ? ["limit": 5, "period": "day"] : Body.service()
            try await test.write(.put(kind, tenant: "acme", name: "n\(number)", body: body))
        }
        test.store.examine(atOnce: 4)
        for tenant in [nil, "acme"] {
            let feed = try test.plane.changes(
                after: 0, tenant: tenant, kind: .quota, isWatching: false, for: .system)
            var (position, names) = (Revision(0), [String]())
            while let step = try await feed.next(after: &position) {
                guard case .records(let records) = step else { continue }
                names += records.flatMap(\.changes).compactMap { $0.key?.name }
            }
            #expect(names == ["n9", "n19"])
            #expect(position == test.plane.revision)
        }
    }
}
