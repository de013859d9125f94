// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeControl
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeSQLite
import TurnpikeTelemetry

/// The writes of the REST clients once more, without HTTP: the control plane's use cases over its store, within this
/// process. What is left between this and the clients' figure is the price of HTTP.
struct InnerWrites {
    private let store: SQLiteStore
    private let control: TurnpikeControl.ControlPlane
    private let operatorToken: String
    private let services: Int

    /// - Parameter folder: for a new database.
    init(in folder: String, services: Int) async throws {
        var logger = Logger(label: "turnpike-bench")
        logger.logLevel = .critical
        store = try await SQLiteStore.open(path: folder, logger: logger)
        control = try await TurnpikeControl.ControlPlane.start(
            store: store, clock: SystemWallClock(), sealingKeys: SealingKeys(SealingKey()), logger: logger,
            metrics: MetricsRegistry())
        operatorToken = try await control.bootstrapOperator(token: nil) ?? ""
        self.services = services
        let context = try writeContext()
        _ = try await control.write(.create(.tenant, body: ["name": "bench"]), context)
        for number in 0..<services {
            let body: JSON = ["endpoints": [["host": "127.0.0.1", "port": 9001]]]
            _ = try await control.write(.put(.service, tenant: "bench", name: "s\(number)", body: body), context)
        }
    }

    func close() async throws {
        await control.shutDown()
        try await store.close()
    }

    struct Outcome {
        /// The revision before the first write.
        var since: Revision
        var perSecond: Double
        /// Of this process, which has the callers too.
        var processorTime: Duration
    }

    func measure(writers: Int, for time: Duration) async throws -> Outcome {
        let since = control.revision
        let usedBefore = Program.ownProcessorTime
        let start = ContinuousClock.now
        let context = try writeContext()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    var number = 0
                    while ContinuousClock.now - start < time {
                        let service = (writer + number * writers) % (services - services % writers)
                        let body: JSON = [
                            "endpoints": [["host": "127.0.0.1", "port": 9001]],
                            "labels": ["count": .string("\(since)-\(number)")],
                        ]
                        _ = try await control.write(
                            .put(.service, tenant: "bench", name: "s\(service)", body: body), context)
                        number += 1
                    }
                }
            }
            try await group.waitForAll()
        }
        return Outcome(
            since: since, perSecond: Double(control.revision - since) / (ContinuousClock.now - start).seconds,
            processorTime: Program.ownProcessorTime - usedBefore)
    }

    private func writeContext() throws -> WriteContext {
        WriteContext(principal: try control.authenticate(bearer: operatorToken), requestID: "bench")
    }
}
