// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import Synchronization
import TurnpikeModel
import TurnpikeTelemetry

/// Keeps certificates of a gateway as the files of their folder are: looked at every half minute, and at once on SIGHUP. What
/// cannot be used changes nothing, and is said.
final class CertificateService: ServiceLifecycle.Service {
    enum Finding { case unchanged, taken, unusable }

    private let folder: CertificateFolder
    private let interval: Duration
    private let seen: Mutex<[String]>
    private let logger: Logger
    private let take: @Sendable ([CertificateFolder.Certificate]) throws -> Void

    /// - Parameter take: puts those that were found in the place of those from before, or throws and leaves these.
    /// - Throws: where the certificates cannot be used as they are now: a gateway does not start with less than it was given.
    init(
        _ folder: CertificateFolder, interval: Duration = .seconds(30), logger: Logger,
        take: @escaping @Sendable ([CertificateFolder.Certificate]) throws -> Void
    ) throws {
        self.folder = folder
        self.interval = interval
        self.logger = logger
        self.take = take
        seen = Mutex(try folder.fingerprint())
        _ = try read()
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
            let count = try read()
            logger.info(
                "The certificates are new.", metadata: [LogKey.file: "\(folder.path)", LogKey.count: "\(count)"])
            return .taken
        } catch {
            logger.error(
                "The certificates have changed and cannot be used; those from before stay.",
                metadata: [LogKey.file: "\(folder.path)", LogKey.error: "\(error)"])
            return .unusable
        }
    }

    /// - Returns: how many there are.
    private func read() throws -> Int {
        let found = try folder.read()
        try take(found)
        return found.count
    }
}
