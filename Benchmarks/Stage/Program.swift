// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A program of ours that runs beside the benchmark, in its process group, so that Ctrl-C ends both.
final class Program: Sendable {
    struct Ended: Error, CustomStringConvertible {
        var name: String
        var output: String

        var description: String { "\(name) has ended:\n\(output.suffix(4000))" }
    }

    let name: String
    let pid: pid_t
    private let log: String
    /// As `waitpid` tells it; `nil` while the program runs.
    private let end = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - log: the file that takes standard output and standard error.
    ///   - folder: becomes the program's home.
    init(_ name: String, _ arguments: [String], log: String, home: String) throws {
        self.name = name
        self.log = log
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO)
        Program.closeOpenFilesOnStart()
        let executable = "\(Program.folder)/\(name)"
        let argv: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        let variables = ["HOME=\(home)", "PATH=/usr/bin:/bin"]
        let environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { (argv + environment).forEach { free($0) } }
        var pid: pid_t = 0
        let fault = posix_spawn(&pid, executable, &files, nil, argv, environment)
        guard fault == 0 else { throw POSIXError(POSIXErrorCode(rawValue: fault) ?? .ENOEXEC) }
        self.pid = pid
    }

    /// The folder of the built programs, which is the benchmark's own.
    static let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().path

    /// Connections of the benchmark must not live on in a program started later.
    private static func closeOpenFilesOnStart() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
            guard let descriptor = Int32(name), descriptor > STDERR_FILENO else { continue }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    var output: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// The match of an expression in the output, once it is there.
    ///
    /// - Throws: `Ended` where the program ends without it.
    func match<Output>(_ expression: sending Regex<Output>) async throws -> Output {
        while true {
            if let match = try expression.firstMatch(in: output) { return match.output }
            guard !checkEnd(WNOHANG) else { throw Ended(name: name, output: output) }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// `kill -9`, and returns once the program is gone.
    func killHard() {
        guard !checkEnd(WNOHANG) else { return }
        kill(pid, SIGKILL)
        _ = checkEnd(0)
    }

    var isRunning: Bool { !checkEnd(WNOHANG) }

    /// What it ended with; `nil` while it runs, and where a signal ended it.
    var exitStatus: Int32? {
        guard checkEnd(WNOHANG) else { return nil }
        return end.withLock { $0.flatMap { $0 & 0x7F == 0 ? ($0 >> 8) & 0xFF : nil } }
    }

    private func checkEnd(_ options: Int32) -> Bool {
        end.withLock { end in
            var status: Int32 = 0
            if end == nil, waitpid(pid, &status, options) == pid { end = status }
            return end != nil
        }
    }

    /// A line of `/proc/…/status`, such as `VmRSS` or `VmHWM`, in MiB.
    func memoryMiB(_ field: String = "VmRSS") -> Double {
        let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(field + ":") }
        let kilobytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
        return (kilobytes ?? 0) / 1024
    }

    /// Processor time that the program has used so far, in user mode and in the kernel.
    var processorTime: Duration { Self.processorTime(of: "\(pid)") }

    /// The same of this process.
    static var ownProcessorTime: Duration { processorTime(of: "self") }

    private static func processorTime(of process: String) -> Duration {
        let stat = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        // Behind the name, which stands in parentheses: state is the first field, utime the 12th, stime the 13th.
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Int(fields[11]), let kernel = Int(fields[12]) else { return .zero }
        return .milliseconds((user + kernel) * 1000 / max(1, sysconf(Int32(_SC_CLK_TCK))))
    }
}
