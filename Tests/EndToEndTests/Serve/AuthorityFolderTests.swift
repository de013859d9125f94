// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeIdentity
import TurnpikeModel

@testable import turnpike

@Suite struct AuthorityFolderTests {
    private let now = Timestamp(seconds: 1_800_000_000)

    private func withFolder(_ body: (AuthorityFolder) throws -> Void) throws {
        let data = FileManager.default.temporaryDirectory.path + "/turnpike-ca-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: data) }
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        try body(AuthorityFolder(dataFolder: data))
    }

    @Test func `a CA is made once, and its key is its owner's alone`() throws {
        try withFolder { folder in
            let made = try folder.authority(now: now)
            #expect(try folder.authority(now: now).certificatePEM == made.certificatePEM)
            let mode = try FileManager.default.attributesOfItem(atPath: folder.path + "/key.pem")[.posixPermissions]
            #expect(mode as? Int == 0o600)
        }
    }

    @Test func `a start that was cut off while it made one leaves nothing in the way`() throws {
        try withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder.path + ".new", withIntermediateDirectories: true)
            try "half a key".write(toFile: folder.path + ".new/key.pem", atomically: true, encoding: .utf8)
            _ = try folder.authority(now: now)
            #expect(!FileManager.default.fileExists(atPath: folder.path + ".new"))
        }
    }

    @Test(arguments: ["key.pem", "certificate.pem"])
    func `a CA of which half is missing is not replaced by another`(_ missing: String) throws {
        try withFolder { folder in
            _ = try folder.authority(now: now)
            try FileManager.default.removeItem(atPath: folder.path + "/" + missing)
            #expect(throws: (any Error).self) { try folder.authority(now: now) }
        }
    }
}
