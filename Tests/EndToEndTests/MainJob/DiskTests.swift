// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHTTP1
import Testing
import TurnpikeModel
import TurnpikeTestSupport

/// What a control plane does when its disk fails it, on a real file system that is small enough to be filled.
@Suite(.serialized, .enabled(if: SmallDisk.isPossible, "mounting a file system needs root on Linux"))
struct DiskTests {
    private func write(_ number: Int, to plane: ControlPlaneProcess) async throws -> Int {
        var labels = JSONObject()
        for label in 0..<40 { labels["l\(label)"] = .string(String(repeating: "x", count: 60)) }
        return try await plane.send(
            .PUT, "/v1/tenants/acme/services/s\(number)",
            [
                "endpoints": [["host": "127.0.0.1", "port": .integer(Int64(1 + number % 60_000))]],
                "labels": .object(labels),
            ]
        ).status
    }

    private func services(of plane: ControlPlaneProcess) async throws -> Set<String> {
        var names: Set<String> = []
        var next: String? = "/v1/tenants/acme/services?limit=1000"
        while let target = next {
            let page = try await plane.call(.GET, target)
            for service in page["data"]?.array ?? [] { names.insert(service["name"]?.string ?? "") }
            next = page["next"]?.string
        }
        return names
    }

    /// Writes until the disk takes no more.
    ///
    /// - Returns: the names of what was answered 2xx.
    private func fill(_ plane: ControlPlaneProcess) async throws -> Set<String> {
        var answered: Set<String> = []
        for number in 0..<5000 {
            switch try await write(number, to: plane) {
            case 200, 201: answered.insert("s\(number)")
            case 503: return answered
            case let other: throw DiskFailure(what: "a write was answered \(other)")
            }
        }
        throw DiskFailure(what: "the disk took everything")
    }

    @Test func `a full disk refuses writes, loses nothing, and takes them again when there is room`() async throws {
        try await Stage.with { stage in
            let disk = try SmallDisk(at: stage.folder + "/data", megabytes: 3)
            defer { disk.unmount() }
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            let answered = try await fill(plane)

            let refused = try await plane.send(.PUT, "/v1/tenants/acme/services/one-more", ["endpoints": []])
            #expect(refused.status == 422, "a bad body is told even so")
            let ready = try await plane.send(.GET, "/readyz")
            #expect(ready.status == 503 && ready.text.contains("log"))
            #expect(try await services(of: plane) == answered)

            try disk.remount("size=64m")
            try await until("the control plane is ready again") {
                try await plane.send(.GET, "/readyz").status == 200
            }
            #expect([200, 201].contains(try await write(9000, to: plane)))
            try await plane.killHard()
            try await plane.restart()
            #expect(try await services(of: plane) == answered.union(["s9000"]))
            #expect(try await plane.process.terminate() == 0)
        }
    }

    @Test func `a disk that can only be read refuses writes, serves reads, and keeps nobody from a clear word`()
        async throws
    {
        try await Stage.with { stage in
            let disk = try SmallDisk(at: stage.folder + "/data", megabytes: 16)
            defer { disk.unmount() }
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            #expect(try await write(1, to: plane) == 201)
            // What the control plane has open for writing keeps a mount from becoming read-only, but not by force.
            try await plane.killHard()
            try disk.remount("ro")
            let child = try stage.start(
                "read-only", "\(Stage.programs)/turnpike",
                ["serve", "--listen", "127.0.0.1:0", "--data", "\(stage.folder)/data"])
            #expect(try await child.ended() == 1)
            #expect(child.output.contains("\(stage.folder)/data") && child.output.contains("cannot be used"))
            try disk.remount("rw")
            try await plane.restart()
            #expect(try await services(of: plane) == ["s1"])
            #expect(try await plane.process.terminate() == 0)
        }
    }

    @Test func `a damaged file is told at the start, and replaced by a backup`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            for number in 0..<50 { #expect(try await write(number, to: plane) == 201) }
            let (data, backup) = (stage.folder + "/data", stage.folder + "/backup.sqlite")
            func turnpike(_ arguments: String...) async throws -> (status: Int32, output: String) {
                let child = try stage.start(arguments[0], "\(Stage.programs)/turnpike", arguments)
                return (try await child.ended(), child.output)
            }
            #expect(try await turnpike("backup", "--data", data, backup).status == 0)
            #expect(try await plane.process.terminate() == 0)

            let file = URL(fileURLWithPath: data + "/turnpike.sqlite")
            var bytes = try Data(contentsOf: file)
            for place in stride(from: 4096 + 100, to: bytes.count, by: 4096) {
                bytes.replaceSubrange(place..<place + 64, with: Data(repeating: 0xA5, count: 64))
            }
            try bytes.write(to: file)
            let start = try await turnpike("serve", "--listen", "127.0.0.1:0", "--data", data)
            #expect(start.status == 1 && start.output.contains("damaged"))
            #expect(try await turnpike("check", data).status == 1)

            let restored = stage.folder + "/restored"
            #expect(try await turnpike("restore", "--data", restored, backup).status == 0)
            #expect(try await turnpike("check", restored).status == 0)
        }
    }
}

private struct DiskFailure: Error {
    var what: String
}

/// A file system of its own, in memory, for one folder.
private struct SmallDisk {
    let folder: String

    static let isPossible: Bool = {
        let folder = FileManager.default.temporaryDirectory.path + "/turnpike-disk-" + UUID().uuidString
        guard let disk = try? SmallDisk(at: folder, megabytes: 1) else { return false }
        disk.unmount()
        try? FileManager.default.removeItem(atPath: folder)
        return true
    }()

    init(at folder: String, megabytes: Int) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        self.folder = folder
        try run("mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", folder])
    }

    func remount(_ options: String) throws { try run("mount", ["-o", "remount,\(options)", folder]) }

    func unmount() { try? run("umount", ["-l", folder]) }

    private func run(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw DiskFailure(what: "\(program) \(arguments)") }
    }
}
