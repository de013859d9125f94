// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeWorker

private let stored = snapshot(42, key("a", expiresAt: Timestamp(seconds: 1)), key("bb"), key("ccc"))

@Suite struct LastGoodTests {
    @Test(arguments: [stored, snapshot(0)])
    func `what was written is read, by its owner only`(snapshot: Snapshot) async throws {
        try await withTemporaryDirectory { path in
            let file = LastGoodFile(path: path + "/last-good.ndjson")
            #expect(try file.read() == nil)
            try file.write(snapshot)
            #expect(try file.read() == snapshot)
            #expect(try permissions(of: file.path) == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["last-good.ndjson"])
        }
    }

    @Test func `the file is made of the stream's frames`() async throws {
        try await withTemporaryDirectory { path in
            let file = LastGoodFile(path: path + "/last-good.ndjson")
            try file.write(stored)
            let lines = try bytes(of: file.path).split(separator: 0x0A)
            #expect(try Frame(line: lines[0]) == .begin(isSnapshot: true))
            #expect(try Frame(line: lines[lines.count - 2]) == .commit(42))
            #expect(try JSON.parse(lines[lines.count - 1])["bytes"] != nil)
        }
    }

    /// Every cut and every flipped bit would take minutes; each place of one in seven bytes is as telling.
    @Test func `a file that is cut or changed anywhere is not used`() async throws {
        try await withTemporaryDirectory { path in
            let file = LastGoodFile(path: path + "/last-good.ndjson")
            try file.write(stored)
            let sound = try bytes(of: file.path)
            for place in stride(from: 0, to: sound.count, by: 7) {
                try write(Array(sound.prefix(place)), to: file.path)
                #expect(throws: TurnpikeError.self, "cut at \(place)") { try file.read() }
                var changed = sound
                changed[place] ^= 0x02
                try write(changed, to: file.path)
                #expect(throws: TurnpikeError.self, "changed at \(place)") { try file.read() }
            }
            try write(sound + Array("{}\n".utf8), to: file.path)
            #expect(throws: TurnpikeError.self) { try file.read() }
        }
    }

    @Test func `a damaged file is set aside and the worker starts without it`() async throws {
        try await withTemporaryDirectory { path in
            let place = path + "/last-good.ndjson"
            try write(Array("nonsense\n".utf8), to: place)
            let store = LastGoodStore(path: place, logger: quietLogger)
            #expect(try await store.load() == nil)
            #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["last-good.ndjson.damaged"])
            #expect(try await store.load() == nil)
        }
    }

    @Test func `the newest of many is what stays, and a shutdown waits for it and not for the rest`() async throws {
        try await withTemporaryDirectory { path in
            let place = path + "/last-good.ndjson"
            let store = LastGoodStore(path: place, logger: quietLogger)
            let running = Task { await store.run() }
            for revision in 1...500 { store.save(snapshot(Revision(revision), key("a"))) }
            store.finish()
            await running.value
            let kept = try await store.load()
            #expect(kept == snapshot(500, key("a")))
        }
    }
}
