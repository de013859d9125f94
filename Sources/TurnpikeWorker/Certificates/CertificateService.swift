// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import Synchronization
import TurnpikeModel
import TurnpikeProxy
import TurnpikeTelemetry

/// Keeps a gateway's certificates as the files of their folder are: looked at every half minute, and at once on SIGHUP. What
/// cannot be used changes nothing, and is said.
final class CertificateService: ServiceLifecycle.Service {
    enum Finding { case unchanged, taken, unusable }

    let certificates: ServerCertificates
    private let folder: CertificateFolder
    private let interval: Duration
    private let seen: Mutex<[String]>
    private let logger: Logger
    private let expiry: Gauge

    /// - Throws: where the certificates cannot be used as they are now: a gateway does not start with less than it was given.
    init(
        _ folder: CertificateFolder, interval: Duration = .seconds(30), logger: Logger, metrics: MetricsRegistry
    ) throws {
        self.folder = folder
        self.interval = interval
        self.logger = logger
        expiry = metrics.gauge(
            .certificateExpiry, help: "When the TLS certificate ends, in seconds since 1970.")
        seen = Mutex(try folder.fingerprint())
        let content = try folder.read()
        certificates = try ServerCertificates(content.certificates)
        publish(content)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            while (try? await Task.sleep(for: interval)) != nil { look() }
        }
    }

    /// Takes the files as they are now, if they are not as they were.
    @discardableResult
    func look() -> Finding {
        do {
            let fingerprint = try folder.fingerprint()
            guard seen.withLock({ $0 != fingerprint }) else { return .unchanged }
            // Remembered also where it is of no use: it is said once, and tried again when the files change.
            seen.withLock { $0 = fingerprint }
            let content = try folder.read()
            try certificates.replace(by: content.certificates)
            publish(content)
            logger.info("The certificates are new.", metadata: ["count": "\(content.certificates.count)"])
            return .taken
        } catch {
            logger.error(
                "The certificates have changed and cannot be used; those from before stay.",
                metadata: [LogKey.error: "\(error)"])
            return .unusable
        }
    }

    private func publish(_ content: CertificateFolder.Content) {
        expiry.set(Int((content.firstExpiry?.milliseconds ?? 0) / 1000))
    }
}
