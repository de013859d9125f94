// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeTelemetry

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

@Suite struct FileDescriptorOutputTests {
    @Test(.timeLimit(.minutes(1)), arguments: [false, true])
    func `lines of many threads reach a small pipe whole and all`(nonBlocking: Bool) async {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let (reader, writer) = (ends[0], ends[1])
        if nonBlocking { #expect(fcntl(writer, F_SETFL, O_NONBLOCK) == 0) }

        // More than a pipe holds, so that some writes are cut short. On threads of their own: a blocked one must not
        // use up those that run tasks.
        let output = FileDescriptorOutput(descriptor: writer)
        let lines = (0..<40).map { String(repeating: "\($0 % 10)", count: 6000 + $0) + "\n" }
        for part in 0..<4 {
            Thread.detachNewThread {
                for index in stride(from: part, to: lines.count, by: 4) { output.write(lines[index]) }
            }
        }
        let byteCount = lines.map(\.utf8.count).reduce(0, +)
        let received = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Self.receive(byteCount, from: reader)) }
        }
        close(writer)
        close(reader)
        #expect(received.split(separator: "\n").map { "\($0)\n" }.sorted() == lines.sorted())
    }

    @Test func `a line that nobody can take is dropped`() {
        FileDescriptorOutput(descriptor: -1).write("lost\n")
    }

    private static func receive(_ count: Int, from descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < count {
            let received = read(descriptor, &chunk, chunk.count)
            if received <= 0 { break }
            bytes += chunk[..<received]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
