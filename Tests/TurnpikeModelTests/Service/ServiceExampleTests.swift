// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeModel

@Suite struct ServiceExampleTests {
    @Test func `the service that the documentation shows is one`() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../docs/how-to/look-after-upstreams.md").standardized
        let text = try String(contentsOf: file, encoding: .utf8)
        let start = try #require(text.range(of: "```json\n")).upperBound
        let end = try #require(text.range(of: "\n```", range: start..<text.endIndex)).lowerBound
        let example = try JSON.parse(String(text[start..<end]))
        let body = try ResourceBody(example, kind: .service, name: "orders")
        let service = try #require(body.spec as? Service)
        #expect(service.retries?.on == [.connectFailure, .reset, .status(503)])
        // Whatever a service can say is there.
        let written = FieldWriter.object(for: .people) { service.write(to: &$0) }
        #expect(Set(written.names) == Set((example.object?.names ?? []) + ["protocol"]))
    }
}
