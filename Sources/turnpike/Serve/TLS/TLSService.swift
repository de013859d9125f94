// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import TurnpikeAPI
import TurnpikeControl
import TurnpikeModel
import TurnpikeTelemetry

/// Keeps the certificate that is served that of its source: it is taken anew on SIGHUP, and where the source renews it.
struct TLSService: ServiceLifecycle.Service {
    let tls: ServerTLS
    let source: any CertificateSource
    let hangUps: AsyncStream<Void>
    let clock: any WallClock
    let logger: Logger
    /// How often the end of the certificate is looked at: a wall clock that is set must not put a renewal off for long.
    var watch = Duration.seconds(60)

    /// - Parameter hangUps: what ``HangUps/listen()`` gives.
    /// - Throws: `TLSFault` where the source has nothing that can be served.
    static func start(
        _ source: any CertificateSource, hangUps: AsyncStream<Void>, clock: any WallClock, logger: Logger
    ) throws(TLSFault) -> TLSService {
        let tls = try ServerTLS(try source.material(now: clock.now))
        let service = TLSService(tls: tls, source: source, hangUps: hangUps, clock: clock, logger: logger)
        service.warnOfExpiry()
        return service
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in hangUps { reload() } }
                group.addTask { await renew() }
            }
        }
    }

    private func renew() async {
        while !Task.isCancelled, let renewal = source.renewal {
            if clock.now.duration(to: tls.expiry) < renewal { reload() }
            try? await Task.sleep(for: watch)
        }
    }

    private func reload() {
        do {
            try tls.replace(with: try source.material(now: clock.now))
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
