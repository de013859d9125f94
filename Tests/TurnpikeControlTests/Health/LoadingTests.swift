// SPDX-License-Identifier: Apache-2.0

import Logging
import Testing
import TurnpikeIdentity
import TurnpikeTelemetry
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct LoadingTests {
    @Test func `a start tells how far it is`() async throws {
        let (test, entered, gate, progress) = try await beginLoading()
        #expect(progress.description == "It is starting.")
        let start = Task { try await ControlPlane.start(test, progress) }
        await entered.pass()
        // The tenant, its service and route, and the first operator.
        #expect(progress.description == "It is loading: 0 of 4 resources are read.")
        gate.open()
        let plane = try await start.value
        #expect(plane.obstacles.isEmpty && progress.description.contains("compiled"))
    }

    @Test func `a start that is given up comes to an end`() async throws {
        let (test, entered, gate, progress) = try await beginLoading()
        let start = Task { try await ControlPlane.start(test, progress) }
        await entered.pass()
        start.cancel()
        gate.open()
        await #expect(throws: CancellationError.self) { _ = try await start.value }
    }

    /// A store with four resources, that gives them out only once a gate is open.
    private func beginLoading() async throws -> (TestPlane, entered: Gate, Gate, LoadingProgress) {
        let test = try await TestPlane.start()
        try await test.seed()
        let (entered, gate) = (Gate(), Gate())
        test.store.beforeLoading {
            entered.open()
            await gate.pass()
        }
        return (test, entered, gate, LoadingProgress())
    }
}

extension ControlPlane {
    fileprivate static func start(_ test: TestPlane, _ progress: LoadingProgress) async throws -> ControlPlane {
        try await start(
            store: test.store, clock: test.clock, sealingKeys: SealingKeys(test.sealingKey), progress: progress,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, metrics: MetricsRegistry())
    }
}
