// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeIdentity
import TurnpikeModel

@testable import turnpike

@Suite struct SealingKeyFileTests {
    private static let twice = String(repeating: String(repeating: "0", count: 64) + "\n", count: 2)

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/turnpike-sealing-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try body(folder)
    }

    @Test func `a key is made once, and is its owner's alone`() throws {
        try withFolder { folder in
            let file = SealingKeyFile(nil, dataFolder: folder)
            // What a start that was cut off left behind is not in the way.
            try "half a k".write(toFile: folder + "/sealing.key.new", atomically: true, encoding: .utf8)
            let made = try file.keys()
            #expect(try file.keys().text == made.text && made.former.isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["sealing.key"])
            let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions]
            #expect(mode as? Int == 0o600)
        }
    }

    @Test func `a key may be anybody's who has 64 hexadecimal digits, wherever it lies`() throws {
        try withFolder { folder in
            let path = folder + "/elsewhere"
            let digits = String(repeating: "0123456789abcdef", count: 4)
            try digits.write(toFile: path, atomically: true, encoding: .utf8)
            #expect(try SealingKeyFile(path, dataFolder: "/nowhere").keys().first.text == digits)
        }
    }

    @Test(arguments: ["", "0123", String(repeating: "z", count: 64), String(repeating: "0", count: 65), twice])
    func `a file that is no key is neither used nor replaced`(text: String) throws {
        try withFolder { folder in
            let file = SealingKeyFile(nil, dataFolder: folder)
            try text.write(toFile: file.path, atomically: true, encoding: .utf8)
            let error = #expect(throws: TurnpikeError.self) { try file.keys() }
            #expect(error?.detail.contains(file.path) == true)
            #expect(try String(contentsOfFile: file.path, encoding: .utf8) == text)
        }
    }

    @Test func `keys are replaced as a whole, and the file stays whose it was`() throws {
        try withFolder { folder in
            let file = SealingKeyFile(nil, dataFolder: folder)
            var keys = try file.keys()
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file.path)
            let link = SealingKeyFile(folder + "/link", dataFolder: folder)
            try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: file.path)
            while let rotated = keys.rotated() {
                keys = rotated
                try link.keep(keys)
            }
            #expect(keys.all.count == SealingKeys.most)
            #expect(try file.keys().all.map(\.id) == keys.all.map(\.id))
            let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
            #expect(
                attributes[.posixPermissions] as? Int == 0o640
                    && attributes[.type] as? FileAttributeType == .typeRegular)
            #expect(Set(try FileManager.default.contentsOfDirectory(atPath: folder)) == ["sealing.key", "link"])
        }
    }

    @Test func `a folder that is not there is named`() {
        let error = #expect(throws: TurnpikeError.self) {
            try SealingKeyFile(nil, dataFolder: "/nowhere/at/all").keys()
        }
        #expect(error?.detail.contains("/nowhere/at/all/sealing.key") == true)
    }
}
