// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL
import TurnpikeIdentity
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

/// The worker's side of the worker protocol. Every call sends the newest credential, and every answer is bounded in
/// size and time.
///
/// - Throws: every call, ``ControlPlaneFailure``; `CancellationError` where its task is cancelled.
struct ControlPlaneClient: Sendable {
    let address: ControlPlaneAddress
    let http: HTTPClient
    let identities: WorkerIdentityStore
    let tls: ControlPlaneTLS

    /// The most bytes of an answer, streams excepted.
    static let maximumAnswer = 1 << 20

    /// A client to hand in: no redirects, which would carry a credential elsewhere, and connections that are opened
    /// quickly or not at all.
    static func makeHTTPClient() -> HTTPClient {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.idleTimeout = .seconds(30)
        // A pool's retries would hide what this worker does itself, with its own back-off.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Closes the connections. Nothing may be called any more.
    func shutDown() async throws { try await http.shutdown() }

    func join(_ registration: Registration, token: String) async throws -> WorkerIdentity {
        let answer = try await post("/v1/workers", registration.json, bearer: token, within: .seconds(10))
        return try read { () throws(TurnpikeError) in try WorkerIdentity(json: answer) }
    }

    func renewCredential(of identity: WorkerIdentity) async throws -> WorkerIdentity {
        let wants = CredentialRequest(certificateRequest: tls.certificateRequest())
        let answer = try await post(path("credential"), wants.json, bearer: identity.credential, within: .seconds(10))
        let renewed = try read { () throws(TurnpikeError) in try WorkerIdentity(json: answer) }
        guard renewed.id == identity.id else { throw ControlPlaneFailure.malformed("a credential of another worker") }
        return renewed
    }

    /// The keys by which certificates are sealed.
    func sealingKeys() async throws -> SealingKeys {
        let envelope = SealingKeyEnvelope()
        let request = SealingKeyRequest(publicKey: envelope.publicKey)
        let json = try await post(path("sealing-key"), request.json, within: .seconds(5))
        let answer = try read { () throws(TurnpikeError) in try SealingKeyAnswer(json: json) }
        func opened(_ sealed: SealedSealingKey) throws(ControlPlaneFailure) -> SealingKey {
            guard let worker = identities.current?.id, let key = try? envelope.open(sealed.sealedKey, worker: worker),
                key.id == sealed.id
            else { throw ControlPlaneFailure.malformed("a sealing key that is not for this worker") }
            return key
        }
        return SealingKeys(try opened(answer.first), former: try answer.former.map { try opened($0) })
    }

    func acknowledge(_ acknowledgement: Acknowledgement) async throws {
        _ = try await post(path("acknowledgements"), acknowledgement.json, within: .seconds(5))
    }

    func answer(_ probe: Probe, _ answer: ProbeAnswer) async throws {
        _ = try await post(path("probes/\(probe.id)"), answer.json, within: .seconds(1))
    }

    func lease(_ request: LeaseRequest, within limit: TimeAmount) async throws -> [LeaseGrant] {
        let answer = try await post(path("leases"), request.json, within: limit)
        return try read { () throws(TurnpikeError) in try LeaseGrant.grants(in: answer) }
    }

    /// The body of the stream. It has no time limit; its reader watches for silence.
    ///
    /// - Parameter revision: what the worker holds, or `nil` for all of it.
    func openStream(
        from revision: Revision?, _ announcement: WorkerAnnouncement
    ) async throws -> HTTPClientResponse.Body {
        let query = revision.map { "?revision=\($0)" } ?? ""
        var request = try self.request(.GET, path("stream") + query, bearer: credential)
        request.headers.add(name: "Accept", value: "application/x-ndjson")
        request.headers.add(name: WorkerAnnouncement.fieldName, value: announcement.json.text)
        let response = try await execute(request, until: .distantFuture)
        guard response.status == .ok else { throw await refusal(response) }
        return response.body
    }
}

extension ControlPlaneClient: UsageUplink {
    func report(_ batch: UsageBatch) async throws -> UsageReceipt {
        let answer = try await post(path("usage"), batch.json, within: .seconds(15))
        return try read { () throws(TurnpikeError) in try UsageReceipt(json: answer) }
    }
}

// MARK: - HTTP

extension ControlPlaneClient {
    private var credential: String { identities.current?.credential ?? "" }

    private func path(_ last: String) -> String { "/v1/workers/\(identities.current?.id ?? "")/\(last)" }

    private func request(_ method: HTTPMethod, _ path: String, bearer: String) throws -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "\(address)\(path)")
        request.method = method
        request.tlsConfiguration = tls.configuration(showing: identities.current?.certificate)
        request.headers.add(name: "Authorization", value: "Bearer \(bearer)")
        request.headers.add(name: "User-Agent", value: "turnpike-worker/\(workerVersion)")
        return request
    }

    private func post(
        _ path: String, _ body: JSON?, bearer: String? = nil, within limit: TimeAmount
    ) async throws -> JSON {
        var request = try self.request(.POST, path, bearer: bearer ?? credential)
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body.utf8))
        }
        let deadline = NIODeadline.now() + limit
        let response = try await execute(request, until: deadline)
        guard (200..<300).contains(response.status.code) else { throw await refusal(response) }
        let bytes = try await collect(response)
        if bytes.isEmpty { return .null }
        do { return try JSON.parse(bytes) } catch { throw ControlPlaneFailure.malformed("\(error)") }
    }

    private func execute(_ request: HTTPClientRequest, until deadline: NIODeadline) async throws -> HTTPClientResponse {
        do {
            return try await http.execute(request, deadline: deadline)
        } catch {
            try Task.checkCancellation()
            throw ControlPlaneFailure.unreachable(TLSFailure.reason(of: error) ?? "\(error)")
        }
    }

    private func collect(_ response: HTTPClientResponse) async throws -> [UInt8] {
        do {
            return Array(try await response.body.collect(upTo: ControlPlaneClient.maximumAnswer).readableBytesView)
        } catch {
            try Task.checkCancellation()
            throw ControlPlaneFailure.malformed("\(error)")
        }
    }

    /// What a problem document says (RFC 9457), where the answer is one.
    private func refusal(_ response: HTTPClientResponse) async -> ControlPlaneFailure {
        let status = Int(response.status.code)
        guard let bytes = try? await collect(response), let problem = try? JSON.parse(bytes) else {
            return .refused(status: status, detail: "")
        }
        return .refused(status: status, detail: problem["detail"]?.string ?? problem["title"]?.string ?? "")
    }

    private func read<Value>(_ body: () throws(TurnpikeError) -> Value) throws(ControlPlaneFailure) -> Value {
        do { return try body() } catch { throw .malformed("\(error)") }
    }
}
