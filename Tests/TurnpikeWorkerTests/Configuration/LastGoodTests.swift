// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeWorker

private let stored = Delta(
    revision: 42, isSnapshot: true, set: [key("a", expiresAt: Timestamp(seconds: 1)), key("bb"), key("ccc")],
    removed: [])

/// A change that sets or removes one key.
private func change(_ revision: Revision, set name: String? = nil, remove removed: String? = nil) -> Delta {
    Delta(
        revision: revision, isSnapshot: false, set: name.map { [key($0)] } ?? [],
        removed: removed.map { [key($0).name] } ?? [])
}

extension LastGoodFile {
    /// What base and log come to; `nil` where there is nothing.
    fileprivate func state() async throws -> Snapshot? {
        var snapshot = Snapshot()
        return try await read { snapshot.apply($0) } == nil ? nil : snapshot
    }
}

@Suite struct LastGoodTests {
    private func with(_ body: (LastGoodFile, String) async throws -> Void) async throws {
        try await withTemporaryDirectory { path in
            try await body(LastGoodFile(path: path + "/last-good.ndjson"), path)
        }
    }

    @Test func `a whole configuration and the changes since are read in order, by their owner only`() async throws {
        try await with { file, path in
            #expect(try await file.state() == nil)
            try file.replace(with: stored)
            let length = try file.append([change(43, set: "d"), change(44, remove: "a")], at: 0)
            _ = try file.append([change(45, set: "e")], at: length)
            var deltas: [Delta] = []
            let whole = try await file.read { deltas.append($0) }
            #expect(deltas == [stored, change(43, set: "d"), change(44, remove: "a"), change(45, set: "e")])
            #expect(whole == (try bytes(of: file.logPath).count))
            for place in [file.path, file.logPath] { #expect(try permissions(of: place) == 0o600) }
        }
    }

    @Test func `a new whole configuration stands for everything before it`() async throws {
        try await with { file, path in
            try file.replace(with: stored)
            _ = try file.append([change(43, set: "d")], at: 0)
            try file.replace(with: Delta(revision: 50, isSnapshot: true, set: [key("z")], removed: []))
            #expect(try await file.state() == snapshot(50, key("z")))
            #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["last-good.ndjson"])
        }
    }

    @Test func `the file is made of the stream's frames`() async throws {
        try await with { file, _ in
            try file.replace(with: stored)
            let lines = try bytes(of: file.path).split(separator: 0x0A)
            #expect(try Frame(line: lines[0]) == .begin(isSnapshot: true))
            #expect(try Frame(line: lines[lines.count - 2]) == .commit(42))
            #expect(try JSON.parse(lines[lines.count - 1])["bytes"] != nil)
        }
    }

    /// Every cut and every flipped bit would take minutes; each place of one in seven bytes is as telling.
    @Test func `a base that is cut or changed anywhere is not used`() async throws {
        try await with { file, _ in
            try file.replace(with: stored)
            let sound = try bytes(of: file.path)
            for place in stride(from: 0, to: sound.count, by: 7) {
                try write(Array(sound.prefix(place)), to: file.path)
                await #expect(throws: TurnpikeError.self, "cut at \(place)") { _ = try await file.state() }
                var changed = sound
                changed[place] ^= 0x02
                try write(changed, to: file.path)
                await #expect(throws: TurnpikeError.self, "changed at \(place)") { _ = try await file.state() }
            }
            try write(sound + Array("{}\n".utf8), to: file.path)
            await #expect(throws: TurnpikeError.self) { _ = try await file.state() }
        }
    }

    @Test func `a log that is cut or changed anywhere holds up to there`() async throws {
        try await with { file, _ in
            try file.replace(with: stored)
            let first = try file.append([change(43, set: "d")], at: 0)
            _ = try file.append([change(44, set: "e")], at: first)
            let sound = try bytes(of: file.logPath)
            let d = try await { file in
                try write(Array(sound.prefix(first)), to: file.logPath)
                return try await file.state()
            }(file)
            for place in stride(from: first, to: sound.count, by: 5) {
                try write(Array(sound.prefix(place)), to: file.logPath)
                #expect(try await file.state() == d, "cut at \(place)")
                var changed = sound
                changed[place] ^= 0x02
                try write(changed, to: file.logPath)
                #expect(try await file.state() == d, "changed at \(place)")
            }
            // What is written next takes the place of what was not whole.
            let length = try #require(try await file.read { _ in })
            #expect(length == first)
            _ = try file.append([change(45, set: "f")], at: length)
            #expect(try await file.state()?.revision == 45)
        }
    }

    @Test func `making a new base of base and log changes nothing, also where a crash leaves the old log`() async throws
    {
        try await with { file, _ in
            try file.replace(with: stored)
            _ = try file.append(
                [change(43, set: "d"), change(44, remove: "bb"), change(45, set: "bb"), change(46, remove: "ccc")],
                at: 0)
            let before = try await file.state()
            let log = try bytes(of: file.logPath)
            try file.compact()
            #expect(try await file.state() == before)
            #expect(!FileManager.default.fileExists(atPath: file.logPath))
            try write(log, to: file.logPath)
            #expect(try await file.state() == before)
        }
    }

    @Test func `a new base holds what of the log is whole, and each resource as it was last`() async throws {
        try await with { file, _ in
            try file.replace(with: stored)
            let first = try file.append([change(43, set: "d"), change(44, set: "bb"), change(45, remove: "d")], at: 0)
            _ = try file.append([change(46, set: "e")], at: first)
            try write(Array(try bytes(of: file.logPath).dropLast(3)), to: file.logPath)
            let before = try await file.state()
            #expect(before?.revision == 45)
            try file.compact()
            #expect(try await file.state() == before)
        }
    }

    @Test func `a damaged file is set aside and the worker starts without it`() async throws {
        try await withTemporaryDirectory { path in
            let place = path + "/last-good.ndjson"
            try write(Array("nonsense\n".utf8), to: place)
            let store = LastGoodStore(path: place, logger: quietLogger)
            #expect(try await store.load { _ in } == false)
            #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["last-good.ndjson.damaged"])
            #expect(try await store.load { _ in } == false)
        }
    }

    @Test func `many changes are all there after a shutdown, and after a restart more follow`() async throws {
        try await withTemporaryDirectory { path in
            let place = path + "/last-good.ndjson"
            var expected = Snapshot()
            for start in [0, 500] as [Revision] {
                let store = LastGoodStore(path: place, logger: quietLogger)
                var found = Snapshot()
                let isThere = try await store.load { found.apply($0) }
                #expect(isThere == (start > 0))
                #expect(found == expected)
                let running = Task { await store.run() }
                for revision in start + 1...start + 500 {
                    let delta =
                        revision == 1
                        ? Delta(revision: 1, isSnapshot: true, set: [key("first")], removed: [])
                        : change(
                            revision, set: "k\(revision % 50)", remove: revision % 3 == 0 ? "k\(revision % 49)" : nil)
                    store.save(delta)
                    expected.apply(delta)
                    if revision % 100 == 0 { await Task.yield() }
                }
                store.finish()
                await running.value
            }
            let store = LastGoodStore(path: place, logger: quietLogger)
            var found = Snapshot()
            let isThere = try await store.load { found.apply($0) }
            #expect(isThere)
            #expect(found == expected)
        }
    }

    @Test func `a log that has outgrown its base becomes part of it`() async throws {
        try await withTemporaryDirectory { path in
            let place = path + "/last-good.ndjson"
            let store = LastGoodStore(path: place, logger: quietLogger)
            store.save(stored)
            let many = (0..<25_000).map { key("many\($0)") }
            store.save(Delta(revision: 43, isSnapshot: false, set: many, removed: []))
            store.save(change(44, remove: "many7"))
            store.finish()
            await store.run()
            #expect(!FileManager.default.fileExists(atPath: LastGoodFile(path: place).logPath))
            var expected = Snapshot()
            expected.apply(stored)
            expected.apply(Delta(revision: 44, isSnapshot: false, set: many, removed: []))
            expected.apply(change(44, remove: "many7"))
            let found = try await LastGoodFile(path: place).state()
            #expect(found == expected)
        }
    }

    @Test func `what a release wrote that could read less is told from what this one wrote`() async throws {
        try await withTemporaryDirectory { path in
            let place = path + "/last-good.ndjson"
            // As one left it that noted nothing, or less.
            try LastGoodFile(path: place).replace(with: stored)
            let store = LastGoodStore(path: place, logger: quietLogger)
            #expect(!store.isComplete)
            try write(Array("cluster\nkey\nroute".utf8), to: place + ".types")
            #expect(!store.isComplete)
            store.save(change(43, set: "d"))
            store.save(stored)
            store.finish()
            await store.run()
            #expect(store.isComplete)
            #expect(LastGoodStore(path: place, logger: quietLogger).isComplete)
        }
    }

    @Test func `what could not be written comes with what can`() async throws {
        try await withTemporaryDirectory { path in
            let folder = path + "/state"
            let store = LastGoodStore(path: folder + "/last-good.ndjson", logger: quietLogger)
            store.save(stored)
            store.save(change(43, set: "d"))
            store.finish()
            await store.run()
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            await store.run()
            var found = Snapshot()
            let again = LastGoodStore(path: folder + "/last-good.ndjson", logger: quietLogger)
            let isThere = try await again.load { found.apply($0) }
            #expect(isThere)
            #expect(found.revision == 43 && found.resources.count == 4)
        }
    }
}
