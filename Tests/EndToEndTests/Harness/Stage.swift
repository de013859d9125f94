// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TurnpikeTestSupport

/// Where one test plays: a folder of its own, and the programs that it starts, which do not outlive it.
final class Stage: Sendable {
    /// Absolute path of a folder that goes away with the stage.
    let folder: String
    private let children = Mutex<[ChildProcess]>([])

    private init(folder: String) { self.folder = folder }

    /// Runs a test on a stage of its own. What the programs said is printed where the test fails.
    static func with(_ body: (Stage) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/turnpike-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let stage = Stage(folder: folder)
        let result: Result<Void, any Error>
        do { result = .success(try await body(stage)) } catch { result = .failure(error) }
        await stage.clear()
        if case .failure = result { stage.printOutput() }
        try FileManager.default.removeItem(atPath: folder)
        try result.get()
    }

    /// Starts a program with the environment that programs of ours see in tests.
    func start(
        _ name: String, _ executable: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> ChildProcess {
        let environment = ["PATH": Stage.path, "HOME": folder].merging(environment) { $1 }
        let log = "\(folder)/\(children.withLock(\.count)).log"
        let child = try ChildProcess(name, executable, arguments, in: folder, log: log, environment: environment)
        children.withLock { $0.append(child) }
        return child
    }

    private func clear() async {
        for child in children.withLock({ $0 }).reversed() {
            child.killGroup()
            _ = try? await child.ended()  // What a test left running is of no interest any more.
        }
    }

    private func printOutput() {
        for child in children.withLock({ $0 }) { print("--- \(child.name)\n\(child.output.suffix(8000))") }
    }
}

extension Stage {
    /// Makes a certificate for a name, signed by itself: `certificates/FILE.crt` and `.key` in the stage's folder. One of that file
    /// is replaced.
    func makeCertificate(_ name: String, _ file: String) async throws {
        let script = """
            set -e
            mkdir -p certificates
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=\(name) \
                -addext subjectAltName=DNS:\(name) -keyout certificates/\(file).key -out certificates/\(file).crt
            """
        let child = try start("openssl", "/bin/bash", ["-c", script])
        guard try await child.ended() == 0 else { throw NoCertificate(output: child.output) }
    }

    struct NoCertificate: Error {
        var output: String
    }
}

// MARK: - Where things are

extension Stage {
    /// The folder of the built programs, which is that of the test bundle.
    static let programs: String = {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        for url in Foundation.Bundle.allBundles.map(\.bundleURL) where url.pathExtension == "xctest" {
            folder = url.deletingLastPathComponent()
        }
        return folder.path
    }()

    /// The root of the package.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// The programs first, then where Debian keeps nginx and the rest.
    static let path = "\(programs):" + (ProcessInfo.processInfo.environment["PATH"] ?? "") + ":/usr/sbin:/usr/bin:/bin"
}
