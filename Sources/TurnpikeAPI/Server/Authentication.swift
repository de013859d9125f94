// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import NIOSSL
import TurnpikeControl
import TurnpikeIdentity
import TurnpikeModel

/// Who asks, by what they show, and whether the operation is for them.
struct Authentication: Sendable {
    let control: ControlPlane
    let workerCertificates: WorkerCertificates

    /// - Returns: `nil` where the operation is open to everybody.
    /// - Throws: `unauthenticated`, `forbidden`, `rateLimited`.
    func principal(
        of request: Request, _ context: APIContext, for access: Endpoint.Access
    ) async throws -> Principal? {
        if access == .everybody { return nil }
        guard let header = request.headers[.authorization], header.prefix(7).lowercased() == "bearer " else {
            throw TurnpikeError(.unauthenticated, "Send a token as 'Authorization: Bearer …'.")
        }
        let principal = try control.authenticate(bearer: String(header.dropFirst(7)), from: context.address)
        context.note(principal)
        switch (principal, access) {
        case (.operator, .operators), (.worker, .workers), (.joinToken, .joinTokens): break
        case (.operator, .platform): try Authority(of: principal).requirePlatform()
        case (.operator, .writers): try Authority(of: principal).requireWriting()
        default: throw TurnpikeError(.forbidden, "This credential is not for this operation.")
        }
        try await requireCertificate(of: principal, context)
        try control.admit(principal)
        return principal
    }

    /// The handshake has verified whatever certificate was shown; here it is asked whose it is.
    private func requireCertificate(of principal: Principal, _ context: APIContext) async throws {
        let mustNameWorker: Bool
        switch (principal, workerCertificates) {
        case (.operator, _), (_, .notRequired), (.joinToken, .ofThisWorker): return
        case (.worker, .ofThisWorker): mustNameWorker = true
        case (.worker, .trusted), (.joinToken, .trusted): mustNameWorker = false
        }
        guard let certificate = try await context.channel.nioSSL_peerCertificate().get() else {
            throw TurnpikeError(.unauthenticated, "Workers show a certificate here, beside their credential.")
        }
        guard
            try !mustNameWorker
                || WorkerCertificate.names(principal.resource.idText, der: certificate.toDERBytes())
        else { throw TurnpikeError(.unauthenticated, "The certificate is not this worker's.") }
    }
}
