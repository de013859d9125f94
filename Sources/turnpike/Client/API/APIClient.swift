// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import TurnpikeModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Talks to a control plane's REST API. Sends each request once, but for writes with an idempotency key, whose lost answer it
/// asks for again: what to do about a failure is the caller's affair.
struct APIClient: Sendable {
    /// Scheme and authority, without a slash at the end.
    let server: String
    let token: String?
    /// For servers that speak https.
    let tls: TLSConfiguration

    /// An answer of class 2xx.
    struct Answer: Sendable {
        var status: Int
        /// `null` where there is no body.
        var body: JSON
        /// What `Turnpike-Revision` says: of a write, its own.
        var revision: Revision?
    }

    /// Tells at once that nobody is there, or nobody to be trusted, where the library's own client tries on until the time is
    /// over. Lives as long as the program.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = .seconds(10)
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// For answers that go on: one that is silent for longer than heartbeats take is given up.
    private static let feeds: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = .seconds(10)
        configuration.timeout.read = .seconds(60)
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// How long to wait before a write whose answer was lost is sent again: time for a control plane to be back.
    private static let repeatPause = Duration.seconds(1)

    /// The most of an answer that is read.
    static let answerLimitBytes = 512 << 20

    /// Sends a request and takes its answer.
    ///
    /// - Parameters:
    ///   - target: path and query from `/v1` on, each part already encoded; see `Target`.
    ///   - reason: why something is written, for the log.
    ///   - idempotencyKey: makes a write safe to repeat; it is then sent once more where the connection breaks.
    ///   - timeout: for each exchange.
    /// - Throws: `refused` for any status outside 2xx, `unreachable` where there was no answer.
    func send(
        _ method: HTTPMethod, _ target: Target, body: JSON? = nil, reason: String? = nil,
        idempotencyKey: String? = nil, timeout: Duration = .seconds(60)
    ) async throws(CommandFailure) -> Answer {
        var request = HTTPClientRequest(url: server + target.text)
        request.tlsConfiguration = tls
        request.method = method
        request.headers.add(name: "User-Agent", value: "turnpike/\(Version.current)")
        request.headers.add(name: "Accept", value: "application/json")
        if let reason { request.headers.add(name: "X-Turnpike-Reason", value: reason) }
        if let idempotencyKey { request.headers.add(name: "Idempotency-Key", value: idempotencyKey) }
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body.utf8))
        }
        let (status, headers, bytes) = try await exchange(request, timeout, repeatableBy: idempotencyKey)
        let json = try? JSON.parse(bytes.readableBytesView)  // A problem without JSON is reported by its status.
        guard (200..<300).contains(status) else { throw .refused(Problem(status: status, body: json)) }
        guard let json = bytes.readableBytes == 0 ? .null : json else {
            throw .failed("\(server) answered with something that is no JSON. Is it a Turnpike control plane?")
        }
        return Answer(
            status: status, body: json, revision: headers.first(name: "Turnpike-Revision").flatMap { Revision($0) })
    }

    /// Takes an answer of lines of JSON (NDJSON), one at a time as they come.
    ///
    /// - Throws: as `send` does, and what `each` throws.
    func lines(
        _ target: Target, _ each: (JSON) throws(CommandFailure) -> Void
    ) async throws(CommandFailure) {
        var request = HTTPClientRequest(url: server + target.text)
        request.tlsConfiguration = tls
        request.headers.add(name: "User-Agent", value: "turnpike/\(Version.current)")
        request.headers.add(name: "Accept", value: "application/x-ndjson")
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        do {
            let answer = try await APIClient.feeds.execute(request, deadline: .distantFuture)
            guard answer.status == .ok else {
                let body = try? JSON.parse(try await answer.body.collect(upTo: 1 << 20).readableBytesView)
                throw CommandFailure.refused(Problem(status: Int(answer.status.code), body: body))
            }
            var rest = ByteBuffer()
            for try await var piece in answer.body {
                rest.writeBuffer(&piece)
                while let end = rest.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = rest.readSlice(length: end - rest.readerIndex) ?? ByteBuffer()
                    rest.moveReaderIndex(forwardBy: 1)
                    guard let json = try? JSON.parse(line.readableBytesView) else {
                        throw CommandFailure.failed("\(server) sent a line that is no JSON.")
                    }
                    try each(json)
                }
                rest.discardReadBytes()
            }
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw .unreachable(server: server, reason: reason(of: error))
        }
    }

    private typealias Exchange = (status: Int, headers: HTTPHeaders, body: ByteBuffer)

    /// - Parameter key: the request's idempotency key; `nil` where it must not be sent twice.
    private func exchange(
        _ request: HTTPClientRequest, _ timeout: Duration, repeatableBy key: String?
    ) async throws(CommandFailure) -> Exchange {
        do { return try await exchange(request, timeout) } catch {
            guard let key, APIClient.hasBroken(error) else {
                throw .unreachable(server: server, reason: reason(of: error))
            }
            do {
                try await Task.sleep(for: APIClient.repeatPause)
                return try await exchange(request, timeout)
            } catch {
                let advice = "What was asked may be done: to ask again for the same, add --idempotency-key \(key)"
                throw .unreachable(server: server, reason: "\(reason(of: error)). \(advice)")
            }
        }
    }

    private func exchange(_ request: HTTPClientRequest, _ timeout: Duration) async throws -> Exchange {
        let answer = try await APIClient.http.execute(request, timeout: .nanoseconds(timeout.inNanoseconds))
        let body = try await answer.body.collect(upTo: APIClient.answerLimitBytes)
        return (Int(answer.status.code), answer.headers, body)
    }

    /// Whether a connection ended that was there, so that the request may have been carried out.
    private static func hasBroken(_ error: any Error) -> Bool {
        switch error {
        case let error as HTTPClientError: error == .remoteConnectionClosed
        case let error as IOError: error.errnoCode != ECONNREFUSED
        default: false
        }
    }

    private func reason(of error: any Error) -> String {
        if let reason = TLSFailure.reason(of: error) { return reason }
        return switch error {
        case let error as HTTPClientError where error == .deadlineExceeded || error == .connectTimeout:
            "it does not answer"
        case let error as HTTPClientError where error == .invalidURL || error == .emptyHost || error == .emptyScheme:
            "that is no address such as http://127.0.0.1:8080"
        case let error as HTTPClientError where error == .remoteConnectionClosed && server.hasPrefix("http://"):
            "it closes the connection without an answer; does it expect https?"
        case let error as HTTPClientError: error.shortDescription
        case let error as IOError where error.errnoCode == ECONNREFUSED: "nobody listens there"
        case is NIOConnectionError: "the connection fails"
        default: "\(error)"
        }
    }
}

extension APIClient {
    /// All pages of a list, or only the first that holds anything: where little fits what is asked for, pages may be empty.
    func list(_ target: Target, allPages: Bool) async throws(CommandFailure) -> (data: [JSON], next: String?) {
        var page = try await send(.GET, target).body
        var data = page["data"]?.array ?? []
        while allPages || data.isEmpty, let next = page["next"]?.string {
            page = try await send(.GET, Target(encoded: next)).body
            data += page["data"]?.array ?? []
        }
        return (data, page["next"]?.string)
    }
}
