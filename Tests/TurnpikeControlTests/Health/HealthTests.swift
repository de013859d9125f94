// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import TurnpikeControl

@Suite struct HealthTests {
    @Test func `a log that cannot be written is told, until it can`() async throws {
        let test = try await TestPlane.start()
        #expect(test.plane.obstacles.isEmpty)
        test.store.failWriting()
        _ = try await refusal { () throws(TurnpikeError) in try await test.seed() }
        #expect(test.plane.obstacles.count == 1 && test.plane.obstacles[0].hasPrefix("log: "))
        test.store.beforeWriting(nil)
        try await test.seed()
        #expect(test.plane.obstacles.isEmpty)
        await test.plane.shutDown()
        #expect(test.plane.obstacles == ["It is shutting down."])
    }
}
