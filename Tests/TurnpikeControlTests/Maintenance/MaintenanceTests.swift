// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct MaintenanceTests {
    @Test func `heartbeats go on however long maintenance takes`() async throws {
        let test = try await TestPlane.start()
        let stream = try test.plane.openStream(worker: try await test.join(), from: nil)
        _ = try await stream.nextDelta()
        let (entered, gate) = (Gate(), Gate())
        test.store.beforeMaintaining {
            entered.open()
            await gate.pass()
        }
        let running = Task {
            await test.plane.run(tickingEvery: .milliseconds(1), maintainingEvery: .milliseconds(1))
        }
        await entered.pass()
        var heartbeats = 0
        while heartbeats < 3, let frames = await stream.next() {
            for case .heartbeat in frames { heartbeats += 1 }
        }
        #expect(heartbeats == 3)
        running.cancel()
        gate.open()
        await running.value
    }

    @Test func `uses of credentials that could not be saved are saved the next time`() async throws {
        let test = try await TestPlane.start()
        let used = test.clock.now
        test.store.beforeMaintaining { throw HookedStore.Failure() }
        await test.plane.noteCredentialUses()
        #expect(try await test.store.uses().isEmpty)
        test.store.beforeMaintaining(nil)
        await test.plane.maintain()
        #expect(try await test.store.uses() == [test.operator.resource.id: used])
        #expect(test.plane.credentialUses.unsaved.isEmpty)
    }
}
