// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import TurnpikeAPI
import TurnpikeControl
import TurnpikeModel
import TurnpikeTelemetry
import UnixSignals

/// Keeps the certificate that is served that of its source: it is taken anew on SIGHUP, and where the source renews it.
struct TLSService: ServiceLifecycle.Service {
    let tls: ServerTLS
    let source: any CertificateSource
    let hangUps: UnixSignalsSequence
    let clock: any WallClock
    let logger: Logger
    /// How often the end of the certificate is looked at: a wall clock that is set must not put a renewal off for long.
    var watch = Duration.seconds(60)

    /// - Returns: the service, which has taken over SIGHUP: from here on that signal ends no process.
    /// - Throws: `TLSFault` where the source has nothing that can be served.
    static func start(
        _ source: any CertificateSource, clock: any WallClock, logger: Logger
    ) async throws -> TLSService {
        let tls = try ServerTLS(try source.material(now: clock.now))
        let service = TLSService(
            tls: tls, source: source, hangUps: await UnixSignalsSequence(trapping: .sighup), clock: clock,
            logger: logger)
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

/// Takes SIGHUP where there is nothing to read anew: the signal would end the process otherwise, and with it the control
/// plane of whoever sends it to all that he runs.
struct HangUpService: ServiceLifecycle.Service {
    let hangUps: UnixSignalsSequence
    let logger: Logger

    /// - Returns: the service, which has taken over SIGHUP.
    static func start(logger: Logger) async -> HangUpService {
        HangUpService(hangUps: await UnixSignalsSequence(trapping: .sighup), logger: logger)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { [hangUps, logger] in
            for await _ in hangUps { logger.info("SIGHUP: there are no files to read anew.") }
        }
    }
}
