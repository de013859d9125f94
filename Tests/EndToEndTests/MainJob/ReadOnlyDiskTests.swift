// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHTTP1
import Testing
import TurnpikeModel
import TurnpikeTestSupport

/// What a control plane does when its disk can no longer be written while it runs.
@Suite(
    .serialized,
    .enabled(if: FailingDisk.isPossible, "a disk that turns read-only needs root on Linux, a loop device and ext4"))
struct ReadOnlyDiskTests {
    private func write(_ name: String, to plane: ControlPlaneProcess) async throws -> Exchange {
        try await plane.send(.PUT, "/v1/tenants/\(name)", ["displayName": .string(name)])
    }

    private func tenants(of plane: ControlPlaneProcess) async throws -> Set<String> {
        let page = try await plane.call(.GET, "/v1/tenants?limit=1000")
        return Set((page["data"]?.array ?? []).compactMap { $0["name"]?.string })
    }

    /// Writes are refused in clear words, and what can be read is read.
    private func expectRefusal(_ plane: ControlPlaneProcess, holding names: Set<String>) async throws {
        for name in ["refused", "refused-again"] {
            let refused = try await write(name, to: plane)
            #expect(refused.status == 503 && refused.json["type"]?.string?.hasSuffix("/storage-failed") == true)
            #expect(refused.json["detail"]?.string?.contains("disk") == true, "\(refused.text)")
        }
        let ready = try await plane.send(.GET, "/readyz")
        #expect(ready.status == 503 && ready.text.contains("log"))
        #expect(try await plane.send(.GET, "/healthz").status == 200)
        #expect(try await tenants(of: plane) == names)
        #expect(try await plane.call(.GET, "/v1/audit?limit=1")["data"]?.array?.count == 1)
    }

    private func check(_ data: String, on stage: Stage) async throws {
        let child = try stage.start("check", "\(Stage.programs)/turnpike", ["check", data])
        #expect(try await child.ended() == 0, "\(child.output)")
    }

    @Test func `files that can only be read refuse writes, and take them again without a restart`() async throws {
        try await Stage.with { stage in
            let disk = try FailingDisk(at: stage.folder + "/data")
            defer { disk.unmount() }
            let plane = try await ControlPlaneProcess.start(on: stage)
            for name in ["a", "b"] { #expect(try await write(name, to: plane).status == 201) }
            try disk.setImmutable(true)
            try await expectRefusal(plane, holding: ["a", "b"])
            try disk.setImmutable(false)
            try await until("the control plane is ready again") {
                try await plane.send(.GET, "/readyz").status == 200
            }
            #expect(try await write("c", to: plane).status == 201)
            try await plane.killHard()
            try await plane.restart()
            #expect(try await tenants(of: plane) == ["a", "b", "c"])
            #expect(try await plane.process.terminate() == 0)
            try await check(stage.folder + "/data", on: stage)
        }
    }

    @Test func `a file system that turns read-only after an error loses nothing that was answered`() async throws {
        try await Stage.with { stage in
            let disk = try FailingDisk(at: stage.folder + "/data")
            defer { disk.unmount() }
            let plane = try await ControlPlaneProcess.start(on: stage)
            let names = Set((0..<20).map { "t\($0)" })
            for name in names { #expect(try await write(name, to: plane).status == 201) }
            try disk.fail()
            try await expectRefusal(plane, holding: names)
            // Such a file system has to be checked before it can be written again.
            try await plane.killHard()
            try disk.repair()
            try await plane.restart()
            #expect(try await tenants(of: plane) == names)
            #expect(try await write("later", to: plane).status == 201)
            #expect(try await plane.process.terminate() == 0)
            try await check(stage.folder + "/data", on: stage)
        }
    }
}

/// A file system on a loop device, for one folder, that can be made to fail as one on a broken disk does.
private struct FailingDisk {
    private let folder: String
    private var image: String { folder + ".image" }

    struct Failure: Error {
        var what: String
    }

    static let isPossible: Bool = {
        let folder = FileManager.default.temporaryDirectory.path + "/turnpike-failing-disk-" + UUID().uuidString
        defer {
            for path in [folder, folder + ".image"] { try? FileManager.default.removeItem(atPath: path) }
        }
        guard let disk = try? FailingDisk(at: folder) else { return false }
        defer { disk.unmount() }
        return (try? disk.errorTrigger).map { FileManager.default.isWritableFile(atPath: $0) } ?? false
    }()

    init(at folder: String) throws {
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try run("truncate", "-s", "64M", image)
        try run("mkfs.ext4", "-q", "-F", image)
        try mount()
    }

    private func mount() throws { try run("mount", "-o", "loop,errors=remount-ro", image, folder) }

    /// Whether the database and its log refuse every byte, those who have them open included.
    func setImmutable(_ isImmutable: Bool) throws {
        let files = ["turnpike.sqlite", "turnpike.sqlite-wal"].map { "\(folder)/\($0)" }
        try run("chattr", [isImmutable ? "+i" : "-i"] + files)
    }

    /// By which the kernel is told of an error, as if the disk had reported one.
    private var errorTrigger: String {
        get throws {
            let mounts = try String(contentsOfFile: "/proc/mounts", encoding: .utf8).split(separator: "\n")
            guard let device = mounts.first(where: { $0.contains(" \(folder) ") })?.split(separator: " ").first else {
                throw Failure(what: "\(folder) is not mounted")
            }
            return "/sys/fs/ext4/\(device.split(separator: "/").last ?? "")/trigger_fs_error"
        }
    }

    func fail() throws {
        let trigger = try FileHandle(forWritingTo: URL(fileURLWithPath: errorTrigger))
        try trigger.write(contentsOf: Data("1\n".utf8))
        try trigger.close()
    }

    /// Checks the file system, and mounts it for writing again.
    func repair() throws {
        try run("umount", folder)
        // 1: errors were there, and have been mended.
        try run("fsck.ext4", ["-p", image], expecting: [0, 1])
        try mount()
    }

    func unmount() { try? run("umount", "-l", folder) }

    private func run(_ program: String, _ arguments: String...) throws { try run(program, arguments) }

    private func run(_ program: String, _ arguments: [String], expecting statuses: Set<Int32> = [0]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard statuses.contains(process.terminationStatus) else { throw Failure(what: "\(program) \(arguments)") }
    }
}
