// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeModel

@testable import TurnpikeProxy
@testable import TurnpikeProxyCore

@Suite(.timeLimit(.minutes(1))) struct AccessLogTests {
    @Test(arguments: Transport.available)
    func `each request is one line of JSON, without its query and without its key`(on transport: Transport) async throws
    {
        let url = FileManager.default.temporaryDirectory.appending(path: "access-\(UUID().uuidString).log")
        try Data().write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        let file = try FileHandle(forWritingTo: url)
        let origin = try await Origin.start()
        let resources = [Pieces.route(requiresKey: true), Pieces.cluster(origin.port), Pieces.key("right")]
        try await GatewayHarness.run(on: transport, resources, log: .descriptor(file.fileDescriptor)) {
            gateway async throws in
            #expect(try await gateway.get("/v1/a%22b?token=right", "X-Api-Key: right\r\n").status == 200)
            #expect(try await gateway.get("/v1", "X-Api-Key: wrong\r\n").status == 401)
            let client = try await gateway.connect()
            try await client.send("nonsense\r\n\r\n")
            #expect(try await client.response().status == 400)
        }
        await origin.stop()
        try file.close()

        let text = try String(contentsOf: url, encoding: .utf8)
        let lines = try text.split(separator: "\n").map { try JSON.parse(String($0)) }
        #expect(lines.count == 3 && !text.contains("right\"") && !text.contains("token"))
        #expect(lines[0]["tenant"] == "acme" && lines[0]["route"] == "orders" && lines[0]["path"] == "/v1/a%22b")
        #expect(lines[0]["status"] == 200 && lines[0]["upstreamStatus"] == 200 && lines[0]["method"] == "GET")
        #expect(lines[1]["status"] == 401 && lines[1]["code"] == "unauthenticated" && lines[1]["keyId"] == nil)
        #expect(lines[2]["status"] == 400 && lines[2]["route"] == nil && lines[2]["path"] == nil)
    }

    @Test func `bytes that JSON cannot hold are escaped`() throws {
        var buffer = LogLineBuffer()
        let record = ExchangeRecord(
            requestID: RequestID(high: 1, low: 2), receivedAt: Timestamp(milliseconds: 1_772_366_400_007), route: nil,
            key: nil, status: 404, bytesIn: 1, bytesOut: 2, duration: 1_234_567, upstreamDuration: nil,
            upstreamStatus: nil, refusal: .noRoute, detail: "a \"quote\"\u{1}", attempts: 0, admitted: false
        )
        Array("GET".utf8).withUnsafeBytes { method in
            Array("/\\\"".utf8).withUnsafeBytes { buffer.append(record, method: method, path: $0) }
        }
        let line = try JSON.parse(buffer.take().dropLast())
        #expect(line["time"] == "2026-03-01T12:00:00.007Z" && line["path"] == "/\\\"")
        #expect(line["reason"] == "a \"quote\"\u{1}" && line["code"] == "no-route")
        #expect(buffer.count == 0)
    }
}
