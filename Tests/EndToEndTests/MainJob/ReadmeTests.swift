// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeTestSupport

/// The README's commands, run as they stand there; only the ports are others, since those of the README may be taken.
@Suite struct ReadmeTests {
    @Test func `the quick start by hand works as it is written`() async throws {
        try await Stage.with { stage in
            try FileManager.default.copyItem(atPath: Stage.root + "/examples", toPath: stage.folder + "/examples")
            let upstream = stage.folder + "/examples/upstream.conf"
            var script = "set -euo pipefail\n" + (try commands())
            var configuration = try String(contentsOfFile: upstream, encoding: .utf8)
            for port in ["8080", "8000", "8001", "9001"] {
                let free = "\(try await freePort())"
                #expect(script.contains(port) || configuration.contains(port))
                script.replace(":\(port)", with: ":\(free)")
                configuration.replace(":\(port)", with: ":\(free)")
                script.replace("\"port\":\(port)", with: "\"port\":\(free)")
            }
            try configuration.write(toFile: upstream, atomically: true, encoding: .utf8)

            let run = try stage.start("README.md", "/bin/bash", ["-c", script])
            #expect(try await run.ended() == 0)
            #expect(run.output.contains(#""path":"/v1/orders/7""#))
            #expect(run.output.contains("HTTP/1.1 401"))
            #expect(run.output.contains(/orders +2xx +partner-1 +[1-9]/))
        }
    }

    /// The shell blocks that are marked to be run.
    private func commands() throws -> String {
        let text = try String(contentsOfFile: Stage.root + "/README.md", encoding: .utf8)
        let blocks = text.matches(of: /<!-- by hand: run -->\n```sh\n((?:(?!```).*\n)+)```/).map { String($0.output.1) }
        #expect(blocks.count >= 7)
        return blocks.joined(separator: "\n")
    }
}
