// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import TurnpikeAPI
import TurnpikeControl
import TurnpikeModel
import TurnpikeTelemetry
import UnixSignals

/// Keeps the certificate that is served that of its source: on SIGHUP it is read anew.
struct TLSService: ServiceLifecycle.Service {
    let tls: ServerTLS
    let source: any CertificateSource
    let hangUps: UnixSignalsSequence
    let clock: any WallClock
    let logger: Logger

    /// - Returns: the service, which has taken over SIGHUP: from here on that signal ends no process.
    /// - Throws: `TLSFault` where the source has nothing that can be served.
    static func start(
        _ source: any CertificateSource, clock: any WallClock, logger: Logger
    ) async throws -> TLSService {
        let tls = try ServerTLS(try source.material())
        let service = TLSService(
            tls: tls, source: source, hangUps: await UnixSignalsSequence(trapping: .sighup), clock: clock,
            logger: logger)
        service.warnOfExpiry()
        return service
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            for await _ in hangUps { reload() }
        }
    }

    private func reload() {
        do {
            try tls.replace(with: try source.material())
            logger.info("The TLS certificate is read anew.", metadata: ["expiresAt": "\(tls.expiry)"])
            warnOfExpiry()
        } catch {
            logger.error(
                "The TLS certificate cannot be read anew; the former one stays.",
                metadata: [LogKey.error: "\(error)", "expiresAt": "\(tls.expiry)"])
        }
    }

    private func warnOfExpiry() {
        if tls.expiry < clock.now {
            logger.warning("The TLS certificate has expired.", metadata: ["expiresAt": "\(tls.expiry)"])
        }
    }
}
