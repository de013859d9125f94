// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTelemetry

@testable import TurnpikeAPI

@Suite struct RevisionHeaderTests {
    /// Answers `/read`, after a write has come in that the answer has not seen.
    private func revision(of answer: Result<Response, TurnpikeError>, on server: TestServer) async throws -> String? {
        let control = server.control
        let principal = try control.authenticate(bearer: TestServer.token)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let router = Router(context: APIContext.self)
        router.add(
            middleware: RequestIdentity(control: control, logger: logger, metrics: OperationMetrics(MetricsRegistry())))
        router.add(middleware: ProblemMiddleware(logger: logger))
        let read = Endpoint(.get, "/read", .everybody, parameters: ["minRevision"]) { _, _ in
            let write = WriteCommand.create(.tenant, body: ["name": "late"])
            _ = try await control.write(write, WriteContext(principal: principal, requestID: "w"))
            return try answer.get()
        }
        register([read], on: router, Authentication(control: control, workerCertificates: .notRequired))
        return try await Application(router: router).test(.router) { client in
            try await client.execute(uri: "/read?minRevision=4", method: .get).headers[.turnpikeRevision]
        }
    }

    @Test(arguments: [false, true])
    func `an answer names no revision that it has not seen, a refusal neither`(isRefused: Bool) async throws {
        try await TestServer.run { server in
            try await server.seed()
            let answer: Result<Response, TurnpikeError> =
                isRefused ? .failure(TurnpikeError(.notFound, "")) : .success(Response(status: .noContent))
            #expect(try await revision(of: answer, on: server) == "4")
            #expect(server.control.revision == 5)
        }
    }
}
