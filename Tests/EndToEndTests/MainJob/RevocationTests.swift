// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Testing
import TurnpikeModel

@Suite(.serialized) struct RevocationTests {
    @Test func `a revoked worker's stream ends within a second, and its credential is dead`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            let token = try #require(
                try await plane.call(.POST, "/v1/join-tokens", ["kind": "gateway"])["token"]?.string)
            let identity = try await Exchange.send(
                .POST, plane.url + "/v1/workers", headers: [("Authorization", "Bearer \(token)")],
                body: ["name": "gw-1", "kind": "gateway", "version": "test"]
            ).json
            let worker = try #require(identity["id"]?.string)
            let credential = try #require(identity["credential"]?.string)
            let stream = "\(plane.url)/v1/workers/\(worker)/stream"

            var request = HTTPClientRequest(url: stream)
            request.headers.add(name: "Authorization", value: "Bearer \(credential)")
            let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
            #expect(answer.status == .ok)
            #expect(answer.headers.first(name: "Content-Type") == "application/x-ndjson")
            var frames = answer.body.makeAsyncIterator()
            _ = try await frames.next()

            try await plane.call(.DELETE, "/v1/workers/gw-1")
            let revoked = ContinuousClock.now
            while try await frames.next() != nil {}
            #expect(ContinuousClock.now - revoked < .seconds(1))
            let again = try await Exchange.send(.GET, stream, headers: [("Authorization", "Bearer \(credential)")])
            #expect(again.status == 401)
        }
    }
}
