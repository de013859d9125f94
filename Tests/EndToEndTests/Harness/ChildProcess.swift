// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A program that runs beside the test, its output gathered line by line.
final class ChildProcess: Sendable {
    /// What became of a program that should be running.
    struct Ended: Error, CustomStringConvertible {
        var name: String
        var status: Int32
        var output: String

        var description: String { "\(name) ended with status \(status):\n\(output)" }
    }

    private struct State {
        var output = Data()
        /// Whether all output has been read.
        var isDrained = false
        var status: Int32?
    }

    let name: String
    let pid: Int32
    private let state = Mutex(State())

    /// - Parameters:
    ///   - folder: the working directory.
    ///   - environment: all of it; nothing is inherited.
    init(
        _ name: String, _ executable: String, _ arguments: [String], in folder: String, environment: [String: String]
    ) throws {
        self.name = name
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        pid = process.processIdentifier
        process.terminationHandler = { [self] process in
            state.withLock { $0.status = process.terminationStatus }
        }
        pipe.fileHandleForReading.readabilityHandler = { [self] handle in
            let bytes = handle.availableData
            state.withLock { state in
                state.output += bytes
                state.isDrained = bytes.isEmpty
            }
            if bytes.isEmpty { handle.readabilityHandler = nil }
        }
    }

    /// Everything written so far to standard output and standard error.
    var output: String { state.withLock { String(decoding: $0.output, as: UTF8.self) } }

    /// The status with which the program ended; a signal's number where one ended it. `nil` while it runs.
    var status: Int32? { state.withLock { $0.status } }

    /// The match of an expression in the output, once it is there.
    ///
    /// - Throws: `Ended` where the program ends without it.
    func match<Output>(_ what: String, _ expression: sending Regex<Output>) async throws -> Output {
        try await until("\(name) says \(what)") {
            let status = status
            if let match = try expression.firstMatch(in: output) { return match.output }
            if let status { throw Ended(name: name, status: status, output: output) }
            return nil
        }
    }

    func signal(_ signal: Int32) { kill(pid, signal) }

    /// Kills the program and all that it has started: Foundation gives each child a process group of its own.
    func killGroup() { kill(-pid, SIGKILL) }

    /// The end of the program, and all of its output.
    @discardableResult
    func ended(within limit: Duration = patience) async throws -> Int32 {
        try await until("\(name) has ended", within: limit) {
            state.withLock { $0.isDrained ? $0.status : nil }
        }
    }

    /// `kill -9`, and returns once the program is gone.
    func killHard() async throws {
        signal(SIGKILL)
        try await ended()
    }

    /// SIGTERM; returns the status with which the program ended.
    func terminate() async throws -> Int32 {
        signal(SIGTERM)
        return try await ended()
    }
}
