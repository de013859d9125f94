// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Synchronization
import Testing
import TurnpikeAPI
import TurnpikeControl
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeSQLite
import TurnpikeTelemetry
import TurnpikeTestSupport

/// The API over a real SQLite file, asked in process.
struct TestServer {
    static let token = "bootstrap-token-of-the-tests"

    let control: ControlPlane
    let client: any TestClientProtocol
    let clock: ManualWallClock
    let log: CollectedLog
    /// Of the database.
    let directory: String
    /// Those that the API counts in.
    let metrics: MetricsRegistry

    /// Starts one in a directory of its own, runs the body, and cleans up.
    ///
    /// - Parameter retention: how long the log is kept.
    static func run(
        retention: Duration? = nil, sources: RequestSources = RequestSources(),
        _ body: @Sendable (TestServer) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("turnpike-api-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let log = CollectedLog()
        let logger = Logger(label: "test") { LineLogHandler(label: $0, format: .json, output: log) }
        let store = try await SQLiteStore.open(path: directory, logger: logger)
        let clock = ManualWallClock()
        let control = try await ControlPlane.start(
            store: store, clock: clock, sealingKeys: SealingKeys(SealingKey()), retention: retention, logger: logger,
            metrics: MetricsRegistry())
        _ = try await control.bootstrapOperator(token: token)
        let metrics = MetricsRegistry()
        let application = Application(
            router: buildRouter(
                control: control, openAPI: Array("openapi: 3.1.0".utf8), readYAML: readYAML, sources: sources,
                metrics: metrics, logger: logger),
            logger: logger)
        try await application.test(.router) { client in
            try await body(
                TestServer(
                    control: control, client: client, clock: clock, log: log, directory: directory, metrics: metrics))
        }
        await control.shutDown()
        try await store.close()
    }

    /// As far as YAML is JSON; the program's own reader has tests of its own.
    private static func readYAML(_ text: String) throws(TurnpikeError) -> JSON {
        do { return try JSON.parse(text) } catch { throw TurnpikeError(.invalidYAML, "Line 1: \(error).") }
    }

    /// Sends a request as the operator, unless headers say otherwise.
    func send(
        _ method: HTTPRequest.Method, _ uri: String, _ body: String? = nil, headers: HTTPFields = [:]
    ) async throws -> Answer {
        var fields = headers
        if fields[.authorization] == nil { fields[.authorization] = "Bearer \(TestServer.token)" }
        if body != nil, fields[.contentType] == nil { fields[.contentType] = "application/json" }
        let response = try await client.execute(
            uri: uri, method: method, headers: fields, body: body.map { ByteBuffer(string: $0) })
        return Answer(status: response.status.code, headers: response.headers, text: String(buffer: response.body))
    }

    /// Tenant `acme` with service and route `orders`.
    func seed() async throws {
        #expect(try await send(.post, "/v1/tenants", #"{"name":"acme","timeZone":"Europe/Berlin"}"#).status == 201)
        #expect(try await send(.put, "/v1/tenants/acme/services/orders", Bodies.service).status == 201)
        #expect(try await send(.put, "/v1/tenants/acme/routes/orders", Bodies.route).status == 201)
    }
}

/// The log lines of a server.
final class CollectedLog: LogOutput {
    private let texts = Mutex<[String]>([])

    func write(_ line: String) { texts.withLock { $0.append(line) } }

    var all: [String] { texts.withLock(\.self) }

    /// What the line of a request tells.
    func request(_ id: String?) -> JSON? {
        texts.withLock(\.self).lazy.compactMap { try? JSON.parse($0) }
            .first { $0["message"] == "request" && $0["metadata"]?["requestId"]?.string == id }?["metadata"]
    }
}

enum Bodies {
    static let service = #"{"protocol":"http","endpoints":[{"host":"127.0.0.1","port":9001,"weight":1}]}"#
    static let route =
        #"{"match":{"hosts":["api.acme.test"],"paths":[{"prefix":"/v1/orders"}],"methods":["GET"]},"auth":{"anyOf":[{"apiKey":{}}]},"backends":[{"service":"orders","weight":100}]}"#
}

struct Answer {
    var status: Int
    var headers: HTTPFields
    var text: String

    var json: JSON { (try? JSON.parse(text)) ?? .null }
    /// The last part of the problem's type.
    var problem: String? { json["type"]?.string?.split(separator: "/").last.map(String.init) }
    /// `pointer rule` of each fault.
    var faults: Set<String> {
        Set((json["errors"]?.array ?? []).map { "\($0["pointer"]?.string ?? "?") \($0["rule"]?.string ?? "?")" })
    }

    subscript(header name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }
}
