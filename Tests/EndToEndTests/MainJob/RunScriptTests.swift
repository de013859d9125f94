// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeTestSupport

/// What `make run` does once everything is built.
@Suite struct RunScriptTests {
    @Test func `make run prints curl lines that work, stops on Ctrl-C, and works a second time`() async throws {
        try await Stage.with { stage in
            for attempt in 1...2 {
                let run = try await start("run \(attempt)", on: stage)
                let commands = try await printedCommands(of: run)
                #expect(commands.count == 4)
                let script = "set -euo pipefail\n" + commands.joined(separator: "\n")
                let curls = try stage.start("curl lines \(attempt)", "/bin/bash", ["-c", script])
                #expect(try await curls.ended() == 0)
                #expect(curls.output.contains("HTTP/1.1 200"))
                #expect(curls.output.contains(#""path":"/v1/orders/7""#))
                #expect(curls.output.contains("HTTP/1.1 401"))
                #expect(curls.output.contains(#""name": "orders""#))

                run.signal(SIGINT)
                #expect(try await run.ended() == 0)
                #expect(try stillRunning(below: stage.folder) == [])
            }
        }
    }

    @Test func `a port that is taken is said to be`() async throws {
        try await Stage.with { stage in
            let origin = try await Origin.start()
            let run = try await start("run", on: stage, ["TURNPIKE_GATEWAY_PORT": "\(origin.port)"])
            #expect(try await run.ended() == 1)
            #expect(run.output.contains("Port \(origin.port) is taken. Set TURNPIKE_GATEWAY_PORT to another one."))
            try await origin.stop()
        }
    }

    private func start(_ name: String, on stage: Stage, _ settings: [String: String] = [:]) async throws -> ChildProcess
    {
        var environment = ["TURNPIKE_BIN": Stage.programs, "TURNPIKE_RUN_DIR": stage.folder + "/run"]
        for port in ["TURNPIKE_CONTROL_PORT", "TURNPIKE_GATEWAY_PORT", "TURNPIKE_ADMIN_PORT"] {
            environment[port] = "\(try await freePort())"
        }
        return try stage.start(
            name, Stage.root + "/scripts/run.sh", [], environment: environment.merging(settings) { $1 })
    }

    /// The curl lines, once everything runs.
    private func printedCommands(of run: ChildProcess) async throws -> [String] {
        _ = try await run.match("that everything runs", /Ctrl-C stops everything/)
        return run.output.split(separator: "\n").filter { $0.hasPrefix("  curl ") }.map(String.init)
    }

    /// Command lines of processes that name a file of that folder.
    private func stillRunning(below folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.compactMap { pid in
            // A process that has ended meanwhile has no command line to read.
            let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
            let commandLine = String(decoding: bytes, as: UTF8.self).replacing("\0", with: " ")
            return commandLine.contains(folder) ? commandLine : nil
        }
    }
}
