// SPDX-License-Identifier: Apache-2.0

public import Foundation
import Synchronization

/// A program that runs beside the test, with its output in a file.
///
/// Started by `posix_spawn` rather than by Foundation's `Process`: its pipes and its way of noticing an end are
/// inherited by whatever another test starts at the same moment, and by the program's own children.
public final class ChildProcess: Sendable {
    /// What became of a program that should be running.
    public struct Ended: Error, CustomStringConvertible {
        public var name: String
        public var status: Int32
        public var output: String

        public init(name: String, status: Int32, output: String) {
            self.name = name
            self.status = status
            self.output = output
        }

        public var description: String { "\(name) ended with status \(status):\n\(output)" }
    }

    public let name: String
    public let pid: pid_t
    private let log: String
    private let knownStatus = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - folder: the working directory.
    ///   - log: the file that takes standard output and standard error.
    ///   - environment: all of it; nothing is inherited.
    public init(
        _ name: String, _ executable: String, _ arguments: [String], in folder: String, log: String,
        environment: [String: String]
    ) throws {
        self.name = name
        self.log = log
        pid = try spawn(executable, arguments, in: folder, log: log, environment: environment)
    }

    /// A test that fails half-way leaves nothing running.
    deinit {
        if status == nil { killGroup() }
    }

    /// Everything written so far to standard output and standard error.
    public var output: String { String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self) }

    /// The status with which the program ended; a signal's number where one ended it. `nil` while it runs.
    public var status: Int32? {
        knownStatus.withLock { known in
            if let known { return known }
            var status: Int32 = 0
            guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
            // The low seven bits are the signal that ended it; zero for an exit, whose status is the next byte.
            known = status & 0x7F == 0 ? (status >> 8) & 0xFF : status & 0x7F
            return known
        }
    }

    /// The match of an expression in the output, once it is there.
    ///
    /// - Throws: `Ended` where the program ends without it.
    public func match<Output>(_ what: String, _ expression: sending Regex<Output>) async throws -> Output {
        try await until("\(name) says \(what)") {
            let status = status
            if let match = try expression.firstMatch(in: output) { return match.output }
            if let status { throw Ended(name: name, status: status, output: output) }
            return nil
        }
    }

    public func signal(_ signal: Int32) { kill(pid, signal) }

    /// Kills the program and all that it has started.
    public func killGroup() { kill(-pid, SIGKILL) }

    /// Waits for the end of the program; returns its status.
    @discardableResult
    public func ended(within limit: Duration = patience) async throws -> Int32 {
        try await until("\(name) has ended", within: limit) { status }
    }

    /// `kill -9`, and returns once the program is gone.
    public func killHard() async throws {
        signal(SIGKILL)
        try await ended()
    }

    /// SIGTERM; returns the status with which the program ended.
    public func terminate() async throws -> Int32 {
        signal(SIGTERM)
        return try await ended()
    }
}

/// Starts a program in a process group of its own, with no open files but the log, and with no signal blocked or ignored.
private func spawn(
    _ executable: String, _ arguments: [String], in folder: String, log: String, environment: [String: String]
) throws -> pid_t {
    var files = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&files)
    defer { posix_spawn_file_actions_destroy(&files) }
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
        &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)
    )

    // What posix_spawn has no portable action for: the working directory, and files this process holds open.
    let prelude = """
        cd "$1" || exit 126; shift
        for open in /proc/self/fd/*; do fd=${open##*/}; ((fd > 2)) && exec {fd}>&-; done
        exec "$@"
        """
    let command = ["/bin/bash", "-c", prelude, "bash", folder, executable] + arguments
    let argumentPointers = command.map { strdup($0) } + [nil]
    let environmentPointers = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (argumentPointers + environmentPointers).forEach { free($0) } }
    var pid: pid_t = 0
    let fault = posix_spawn(&pid, command[0], &files, &attributes, argumentPointers, environmentPointers)
    guard fault == 0 else { throw POSIXError(POSIXErrorCode(rawValue: fault) ?? .ENOEXEC) }
    return pid
}
