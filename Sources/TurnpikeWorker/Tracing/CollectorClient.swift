// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import TurnpikeModel

/// Where batches of spans go.
protocol SpanUplink: Sendable {
    /// Sends a batch once.
    ///
    /// - Parameter body: an OTLP request in JSON.
    /// - Throws: `CancellationError` where the task is cancelled, and nothing else.
    func export(_ body: [UInt8]) async throws -> ExportOutcome
}

/// A collector that speaks OTLP/HTTP (sections "OTLP/HTTP Request" and "OTLP/HTTP Response"). Its connection is kept between
/// batches; every answer is bounded in time and size.
struct CollectorClient: SpanUplink {
    private let address: CollectorAddress
    private let http: HTTPClient
    private let timeout: TimeAmount

    private static let mostAnswerBytes = 64 << 10

    /// - Parameter timeout: for a whole exchange.
    init(_ address: CollectorAddress, timeout: Duration = .seconds(10)) {
        self.address = address
        http = ControlPlaneClient.makeHTTPClient()
        self.timeout = .nanoseconds(timeout.inNanoseconds)
    }

    /// Closes the connection. Nothing may be called any more.
    func shutDown() async throws { try await http.shutdown() }

    func export(_ body: [UInt8]) async throws -> ExportOutcome {
        var request = HTTPClientRequest(url: address.tracesURL)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "User-Agent", value: "turnpike-worker/\(workerVersion)")
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let response = try await http.execute(request, deadline: .now() + timeout)
            // Read in any case: the connection can only then be used again.
            let answer = try? await response.body.collect(upTo: Self.mostAnswerBytes)
            return Self.outcome(
                response.status.code, response.headers, answer.map { Array($0.readableBytesView) } ?? [])
        } catch {
            try Task.checkCancellation()
            return .unreachable(reason: TLSFailure.reason(of: error) ?? "\(error)")
        }
    }

    static func outcome(_ status: UInt, _ headers: HTTPHeaders, _ answer: [UInt8]) -> ExportOutcome {
        switch status {
        case 200..<300: .accepted(rejected: rejectedSpans(answer))
        case 429, 502, 503, 504: .busy(status: Int(status), retryAfter: retryAfter(headers))
        default: .refused(status: Int(status))
        }
    }

    /// Of `partialSuccess`; a 64-bit number, which may come as a string.
    private static func rejectedSpans(_ answer: [UInt8]) -> Int {
        let rejected = (try? JSON.parse(answer))?["partialSuccess"]?["rejectedSpans"]
        return max(rejected?.integer.map { Int($0) } ?? rejected?.string.flatMap { Int($0) } ?? 0, 0)
    }

    /// Seconds; the other form of the field, a date, counts as none.
    private static func retryAfter(_ headers: HTTPHeaders) -> Duration? {
        headers.first(name: "Retry-After").flatMap { UInt32($0) }.map { .seconds($0) }
    }
}
