// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeModel

@testable import TurnpikeWorker

@Suite struct StateDirectoryTests {
    @Test func `it is made for its owner only`() async throws {
        try await withTemporaryDirectory { path in
            let state = try StateDirectory(path + "/state")
            #expect(try permissions(of: state.path) == 0o700)
            #expect(FileManager.default.fileExists(atPath: state.journalDirectory))
        }
    }

    @Test func `two workers cannot share one`() async throws {
        try await withTemporaryDirectory { path in
            let first = try StateDirectory(path + "/state")
            #expect(throws: StateDirectoryFailure.inUse(path + "/state")) { try StateDirectory(path + "/state") }
            #expect(first.path == path + "/state")
        }
    }

    @Test func `it is free again when its worker has gone`() async throws {
        try await withTemporaryDirectory { path in
            _ = try StateDirectory(path + "/state")
            #expect(try StateDirectory(path + "/state").path == path + "/state")
        }
    }

    @Test func `a file in its place is an error`() async throws {
        try await withTemporaryDirectory { path in
            try write([], to: path + "/state")
            #expect(throws: FileFailure.self) { try StateDirectory(path + "/state") }
        }
    }

    @Test func `epochs grow even where the clock is set back or the number is lost`() async throws {
        try await withTemporaryDirectory { path in
            let state = try StateDirectory(path)
            #expect(try state.startEpoch(at: Timestamp(milliseconds: 5000)) == 5000)
            #expect(try state.startEpoch(at: Timestamp(milliseconds: 4000)) == 5001)
            #expect(try state.startEpoch(at: Timestamp(milliseconds: 9000)) == 9000)
            _ = try makeJournal(in: state.journalDirectory, epoch: 12_000)
            #expect(try state.startEpoch(at: Timestamp(milliseconds: 9500)) == 12_001)
            try FileManager.default.removeItem(atPath: path + "/epoch")
            #expect(try state.startEpoch(at: Timestamp(milliseconds: 9500)) == 12_001)
        }
    }
}
