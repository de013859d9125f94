// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// Where one benchmark plays: a folder of its own, one event loop for all of its connections, and the programs that it
/// starts, which do not outlive it.
final class Stage: Sendable {
    let folder: String
    /// One loop: the cores belong to the programs that are measured.
    let loop: any EventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
    private let programs = Mutex<[Program]>([])

    private init(folder: String) { self.folder = folder }

    /// Runs a benchmark on a stage of its own. What the programs said last is shown where it fails.
    static func with<Result>(_ body: (Stage) async throws -> Result) async throws -> Result {
        raiseFileLimit()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("turnpike-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let stage = Stage(folder: folder.path)
        defer {
            for program in stage.programs.withLock({ $0 }) { program.killHard() }
            try? FileManager.default.removeItem(at: folder)
        }
        do {
            return try await body(stage)
        } catch {
            for program in stage.programs.withLock({ $0 }).suffix(3) {
                say("--- \(program.name)\n\(program.output.suffix(2000))")
            }
            throw error
        }
    }

    func start(_ name: String, _ arguments: [String]) throws -> Program {
        try programs.withLock { programs in
            let log = "\(folder)/\(programs.count).log"
            let program = try Program(name, arguments, log: log, home: folder)
            programs.append(program)
            return program
        }
    }

    /// A thousand workers are two thousand connections, at either end.
    private static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// Tells how far a benchmark has come, apart from its results.
func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
