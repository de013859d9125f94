// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import Foundation
import Testing
import TurnpikeTelemetry

/// `RssFile` of proc_pid_status(5): of files, mapped and in memory, in KiB.
private func residentFiles() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssFile:") })
    return try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) })
}

@Suite struct ProgramImageTests {
    @Test func `code that was used before counts no longer as the program's memory`() throws {
        // Whatever the test runner has run through so far.
        let before = try residentFiles()
        ProgramImage.unload()
        let after = try residentFiles()
        #expect(after < before * 3 / 4, "\(before) KiB, then \(after)")
    }

    @Test func `a program goes on with its code, constants and variables as they were`() throws {
        let words = (0..<1000).map { "\($0)".hashValue ^ $0 }
        let pattern = try Regex("a+b")
        for _ in 0..<10 {
            ProgramImage.unload()
            #expect((0..<1000).map { "\($0)".hashValue ^ $0 } == words)
            #expect("xaab".contains(pattern))
            #expect(throws: DecodingError.self) { try JSONDecoder().decode([Int].self, from: Data("{}".utf8)) }
        }
    }
}

#endif
