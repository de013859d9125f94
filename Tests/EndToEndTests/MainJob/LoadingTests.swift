// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHTTP1
import Testing
import TurnpikeModel
import TurnpikeTestSupport

/// A control plane that is told to stop before it has begun to serve.
@Suite(.serialized) struct LoadingTests {
    @Test func `a control plane that is still loading stops when it is told to, and has lost nothing`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await fill(plane)
            let revision = try await revision(plane)
            #expect(try await plane.process.terminate() == 0)

            for signal in [SIGTERM, SIGINT] {
                try plane.beginRestart()
                let told = try await until("it tells how far it is") { try await progress(plane) }
                plane.process.signal(signal)
                #expect(try await plane.process.ended(within: .seconds(5)) == 0)
                #expect(told.contains("of \(Self.count + 2) resources are read"))
                let said = plane.process.output
                #expect(said.contains("The control plane has stopped"))
                // It has not finished what nobody needs any more.
                #expect(!said.contains("The control plane is loaded"))
            }

            try await plane.restart()
            #expect(try await self.revision(plane) == revision)
            let last = "/v1/tenants/acme/services/s\(Self.count)"
            #expect(try await plane.call(.GET, last)["name"]?.string == "s\(Self.count)")
            let check = try stage.start(
                "check", "\(Stage.programs)/turnpike", ["check", "\(stage.folder)/data"])
            #expect(try await check.ended() == 0, "\(check.output)")
        }
    }

    @Test func `a signal at any moment of a start ends it in good order`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            #expect(try await plane.process.terminate() == 0)
            for step in 0..<20 {
                try plane.beginRestart()
                let process = plane.process
                // Once the program has taken its signals over; what comes before is the system's.
                try await until("signals are taken over") { process.heeds(SIGTERM) && process.heeds(SIGINT) }
                try await Task.sleep(for: .milliseconds(step))
                process.signal(step % 2 == 0 ? SIGTERM : SIGINT)
                #expect(try await process.ended(within: .seconds(5)) == 0, "\(step): \(process.output)")
                #expect(process.output.contains("The control plane has stopped"))
            }
        }
    }

    @Test func `a signal at any moment of a gateway's start ends it in good order`() async throws {
        try await Stage.with { stage in
            for step in 0..<20 {
                // Nobody is there to join.
                let process = try stage.start(
                    "gateway", "\(Stage.programs)/turnpike-worker",
                    [
                        "gateway", "--control-plane", "http://127.0.0.1:1", "--listen", "127.0.0.1:0", "--admin-listen",
                        "127.0.0.1:0", "--state", "\(stage.folder)/g", "--join-token", "none",
                    ])
                try await until("signals are taken over") { process.heeds(SIGTERM) && process.heeds(SIGINT) }
                try await Task.sleep(for: .milliseconds(step))
                process.signal(step % 2 == 0 ? SIGTERM : SIGINT)
                #expect(try await process.ended(within: .seconds(5)) == 0, "\(step): \(process.output)")
            }
        }
    }

    /// So many that to read them takes long enough to be seen.
    private static let count = 30_000

    private func fill(_ plane: ControlPlaneProcess) async throws {
        try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
        let services = (1...Self.count).map { number -> JSON in
            [
                "kind": "service", "tenant": "acme", "name": .string("s\(number)"),
                "spec": ["endpoints": [["host": "127.0.0.1", "port": 9000]]],
            ]
        }
        try await plane.call(.POST, "/v1/apply", ["resources": .array(services)])
    }

    private func revision(_ plane: ControlPlaneProcess) async throws -> Int64? {
        try await plane.call(.GET, "/readyz")["revision"]?.integer
    }

    /// What `/readyz` tells while resources are read; `nil` as long as nobody answers, or it has not come so far.
    private func progress(_ plane: ControlPlaneProcess) async throws -> String? {
        guard let answer = try? await plane.send(.GET, "/readyz"), answer.status == 503,
            answer.text.contains("are read.")
        else { return nil }
        return answer.text
    }
}
