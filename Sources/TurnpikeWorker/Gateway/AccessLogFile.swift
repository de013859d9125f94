// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import TurnpikeProxy
import TurnpikeTelemetry
import UnixSignals

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file that access-log lines are appended to. On SIGHUP it is opened anew by its name, so that whoever rotates logs
/// can rename it first.
final class AccessLogFile: Sendable {
    private let file: OpenFile

    /// - Throws: ``FileFailure``.
    init(_ path: String) throws(FileFailure) { file = try AccessLogFile.open(path) }

    var destination: AccessLogDestination { .descriptor(file.descriptor) }

    /// The descriptor keeps its number, so its writer notices nothing; a line goes to either file, whole.
    ///
    /// - Throws: ``FileFailure``; lines go where they went before, then.
    func reopen() throws(FileFailure) {
        let fresh = try AccessLogFile.open(file.path)
        guard dup2(fresh.descriptor, file.descriptor) >= 0 else { throw .last("reopen", file.path) }
    }

    private static func open(_ path: String) throws(FileFailure) -> OpenFile {
        try OpenFile(path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o640)
    }
}

/// Listens for SIGHUP, which would end the process otherwise.
struct HangUpService: Service {
    let accessLog: AccessLogFile?
    let certificates: [CertificateService]
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            for await _ in await UnixSignalsSequence(trapping: .sighup) {
                reopen()
                for kept in certificates { kept.look() }
            }
        }
    }

    private func reopen() {
        do {
            try accessLog?.reopen()
            logger.info("SIGHUP: files are opened anew.")
        } catch {
            logger.error("The access log cannot be opened anew.", metadata: [LogKey.error: "\(error)"])
        }
    }
}
