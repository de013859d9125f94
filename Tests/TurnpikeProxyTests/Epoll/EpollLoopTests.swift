// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import Synchronization
import Testing

@testable import TurnpikeProxy

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@Suite(.timeLimit(.minutes(1))) struct EpollLoopTests {
    /// What was done, in order.
    private final class Record: Sendable {
        private let done = Mutex<[Int]>([])

        func append(_ number: Int) { done.withLock { $0.append(number) } }
        var all: [Int] { done.withLock { $0 } }
    }

    @Test func `what other threads want done is done in order, each once`() async throws {
        let loop = try EpollLoop.start()
        let record = Record()
        await withTaskGroup(of: Void.self) { group in
            for lane in 0..<4 {
                group.addTask {
                    for number in 0..<1000 { loop.execute { record.append(lane * 1000 + number) } }
                }
            }
        }
        let isOnLoop = try await loop.submit { loop.isCurrent }
        #expect(isOnLoop && !loop.isCurrent)
        for lane in 0..<4 {
            #expect(record.all.filter { $0 / 1000 == lane } == Array(lane * 1000..<lane * 1000 + 1000))
        }
        await loop.stop()
    }

    @Test func `a loop that has stopped says so`() async throws {
        let loop = try EpollLoop.start()
        await loop.stop()
        await #expect(throws: EpollLoop.Stopped.self) { try await loop.submit {} }
        await loop.stop()
    }

    @Test func `work is done when its time has come, and never before`() async throws {
        let loop = try EpollLoop.start()
        let (late, order) = try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<([UInt64], [Int]), any Error>) in
            loop.execute {
                let start = loop.now
                var late: [UInt64] = []
                var order: [Int] = []
                for number in [3, 1, 2, 0] {
                    let deadline = start + UInt64(number) * 20_000_000
                    loop.schedule(at: deadline) {
                        late.append(loop.now >= deadline ? loop.now - deadline : .max)
                        order.append(number)
                        if order.count == 4 { continuation.resume(returning: (late, order)) }
                    }
                }
            }
        }
        #expect(order == [0, 1, 2, 3] && late.allSatisfy { $0 < 1_000_000_000 })
        await loop.stop()
    }

    @Test func `what is gathered arrives in order, whatever the socket takes at once`() async throws {
        var pair: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
        let (near, far) = (Descriptor(number: pair[0]), Descriptor(number: pair[1]))
        defer {
            near.closeNow()
            far.closeNow()
        }
        let gather = Gather()
        var output = OutputBuffer()
        var expected: [UInt8] = []
        var received: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 10_000, alignment: 8)
        defer { buffer.deallocate() }
        for round in 0..<200 {
            // Sizes on both sides of what is copied, and of what the socket holds.
            let pieces = (0..<round % 5 + 1).map { part in
                Array(
                    repeating: UInt8(truncatingIfNeeded: round + part), count: (round * 7919 + part * 104_729) % 40_000)
            }
            expected += pieces.joined()
            let memory = pieces.map { piece in
                let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
                copy.copyBytes(from: piece)
                return copy
            }
            for piece in memory { gather.append(UnsafeRawBufferPointer(piece)) }
            if output.isEmpty { _ = gather.transmit(to: near) }
            gather.drain { output.append($0) }
            for piece in memory { piece.deallocate() }
            while received.count < expected.count {
                if case .bytes(let count) = far.receive(into: buffer) { received += buffer[..<count] }
                if !output.isEmpty { _ = output.transmit(to: near) }
                if round % 3 == 0, received.count % 3 == 0 { break }
            }
        }
        while received.count < expected.count {
            if !output.isEmpty { _ = output.transmit(to: near) }
            if case .bytes(let count) = far.receive(into: buffer) { received += buffer[..<count] }
        }
        #expect(received == expected && output.isEmpty && gather.isEmpty)
    }
}

#endif
