// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeTelemetry

@testable import TurnpikeProxy

/// What an upstream that speaks HTTP/2 sees of clients that leave or are slow, and what becomes of those whose upstream is.
@Suite(.timeLimit(.minutes(1))) struct HTTP2UpstreamServingTests {
    private func run(
        on transport: Transport, pool: PoolLimits = PoolLimits(),
        _ body: (GatewayHarness, RawServer) async throws -> Void
    ) async throws {
        let server = try await RawServer.start()
        try await GatewayHarness.run(
            on: transport, [Pieces.route(), Pieces.cluster(server.port, protocol: .http2)], pool: pool,
            certificates: [try TestCertificate.make("api.acme.test")]
        ) { try await body($0, server) }
        await server.stop()
    }

    private static let post = "POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 0\r\n\r\n"

    @Test(arguments: Transport.available)
    func `an upstream that has gone silent fails what it was asked, and gets no more`(
        transport: Transport
    ) async throws {
        let silence = HTTP2Silence(untilPing: 50_000_000, untilGone: 50_000_000)
        try await run(on: transport, pool: PoolLimits(silence: silence)) { gateway, server in
            let client = try await gateway.connect()
            try await client.send(Self.post)
            let silent = try await HTTP2ByHand.accept(from: server)
            #expect(try await silent.frame(HTTP2ByHand.headers).stream == 1)
            let ping = try await silent.frame(HTTP2ByHand.ping)
            #expect(ping.flags == 0 && ping.payload.count == 8)
            #expect(try await client.response().status == 502)
            #expect(gateway.metrics.render().contains(#"turnpike_upstream_failures_total{reason="closed""#))

            try await client.send(Self.post)
            let next = try await HTTP2ByHand.accept(from: server)
            #expect(try await next.frame(HTTP2ByHand.headers).stream == 1)
            try await next.answer(1)
            #expect(try await client.response().status == 200)
        }
    }

    @Test(arguments: Transport.available)
    func `an upstream that answers pings may take its time`(transport: Transport) async throws {
        let silence = HTTP2Silence(untilPing: 20_000_000, untilGone: 500_000_000, betweenPings: 20_000_000)
        try await run(on: transport, pool: PoolLimits(silence: silence)) { gateway, server in
            let client = try await gateway.connect()
            try await client.send(Self.post)
            let slow = try await HTTP2ByHand.accept(from: server)
            for _ in 0..<5 {
                let ping = try await slow.frame(HTTP2ByHand.ping)
                try await slow.send(HTTP2ByHand.ping, flags: 0x1, ping.payload)
            }
            try await slow.answer(1)
            #expect(try await client.response().status == 200)
        }
    }

    @Test(arguments: Transport.available, [false, true])
    func `a client that goes away has its stream taken back, and the connection serves others`(
        transport: Transport, overHTTP2: Bool
    ) async throws {
        try await run(on: transport) { gateway, server in
            let client =
                overHTTP2 ? try await RawHTTP2.connect(port: gateway.securePort) : try await gateway.connect()
            try await client.send(
                overHTTP2 ? RawHTTP2.request("/v1/orders", stream: 1) : Array(GatewayHarness.get().utf8))
            let upstream = try await HTTP2ByHand.accept(from: server)
            #expect(try await upstream.frame(HTTP2ByHand.headers).stream == 1)
            try await upstream.answer(1, endsStream: false)
            try await upstream.send(HTTP2ByHand.data, stream: 1, Array("some of it".utf8))
            if overHTTP2 { try await client.send(RawHTTP2.reset(1)) } else { await client.close() }
            let reset = try await upstream.frame(HTTP2ByHand.reset)
            #expect(reset.stream == 1 && [0, 8].contains(reset.word))

            let other = try await gateway.connect()
            try await other.send(Self.post)
            #expect(try await upstream.frame(HTTP2ByHand.headers).stream == 3)
            try await upstream.answer(3)
            #expect(try await other.response().status == 200)
            await client.close()
        }
    }

    @Test(arguments: Transport.available, [("GET", 0x89, 204), ("HEAD", 0x88, 200)] as [(String, UInt8, Int)])
    func `an answer without content whose end comes by itself is that answer`(
        transport: Transport, answer: (method: String, block: UInt8, status: Int)
    ) async throws {
        try await run(on: transport) { gateway, server in
            let client = try await gateway.connect()
            var upstream: HTTP2ByHand?
            for stream: UInt32 in [1, 3] {
                try await client.send("\(answer.method) /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n\r\n")
                let connection = if let upstream { upstream } else { try await HTTP2ByHand.accept(from: server) }
                upstream = connection
                #expect(try await connection.frame(HTTP2ByHand.headers).stream == stream)
                try await connection.send(HTTP2ByHand.headers, flags: 0x4, stream: stream, [answer.block])
                try await connection.send(HTTP2ByHand.data, flags: 0x1, stream: stream)
                let response = try await client.response(toHead: answer.method == "HEAD")
                #expect(response.status == answer.status && response.content.isEmpty)
            }
        }
    }

    @Test(arguments: Transport.available)
    func `requests that a goodbye leaves out are sent again, and those before them go on`(
        transport: Transport
    ) async throws {
        try await run(on: transport) { gateway, server in
            let (first, second) = (try await gateway.connect(), try await gateway.connect())
            try await first.send(Self.post)
            let upstream = try await HTTP2ByHand.accept(from: server)
            #expect(try await upstream.frame(HTTP2ByHand.headers).stream == 1)
            try await second.send(Self.post)
            #expect(try await upstream.frame(HTTP2ByHand.headers).stream == 3)
            try await upstream.send(0x7, [0, 0, 0, 1, 0, 0, 0, 0])
            let next = try await HTTP2ByHand.accept(from: server)
            #expect(try await next.frame(HTTP2ByHand.headers).stream == 1)
            try await next.answer(1)
            #expect(try await second.response().status == 200)
            try await upstream.answer(1)
            #expect(try await first.response().status == 200)
        }
    }

    /// Sends as much of an answer as its windows allow.
    private struct Sender {
        let upstream: HTTP2ByHand
        let total: Int
        var sent = 0
        var window = 65_535
        var streamWindow = 65_535

        mutating func take(_ frame: HTTP2ByHand.Frame) {
            guard frame.type == HTTP2ByHand.windowUpdate else {
                // The first window of every stream, in the gateway's settings.
                if frame.type == 0x4, frame.flags == 0 { streamWindow = (256 << 10) - sent }
                return
            }
            if frame.stream == 0 { window += frame.word } else { streamWindow += frame.word }
        }

        /// - Returns: whether there was room for any.
        mutating func send() async throws -> Bool {
            let before = sent
            while sent < total, min(window, streamWindow) > 0 {
                let piece = min(total - sent, window, streamWindow, 16_384)
                sent += piece
                (window, streamWindow) = (window - piece, streamWindow - piece)
                try await upstream.send(
                    HTTP2ByHand.data, flags: sent == total ? 1 : 0, stream: 1, [UInt8](repeating: 120, count: piece))
            }
            return sent > before
        }

        /// Waits until the gateway has read all, and takes what it has said meanwhile.
        mutating func catchUp() async throws {
            for frame in try await upstream.catchUp() { take(frame) }
        }
    }

    @Test(arguments: Transport.available)
    func `a client that does not read holds an upstream of HTTP-2 back, not the gateway's memory`(
        transport: Transport
    ) async throws {
        let size = 64 << 20
        try await run(on: transport) { gateway, server in
            let client = try await gateway.connect(receiveBuffer: 64 << 10)
            try await client.setReading(false)
            try await client.send(GatewayHarness.get("/v1/orders", "Connection: close\r\n"))
            let upstream = try await HTTP2ByHand.accept(from: server)
            var sender = Sender(upstream: upstream, total: size)
            while true {
                let frame = try await upstream.frame()
                sender.take(frame)
                if frame.type == HTTP2ByHand.headers { break }
            }
            try await upstream.answer(1, endsStream: false)
            var timesFull = 0
            while timesFull < 10 {
                try await sender.catchUp()
                timesFull = try await sender.send() ? 0 : timesFull + 1
            }
            #expect(sender.sent <= SocketBuffers.most && SocketBuffers.most < size, "\(sender.sent) are on their way")

            try await client.setReading(true)
            async let all = client.untilClosed()
            while sender.sent < size {
                if try await !sender.send() { sender.take(try await upstream.frame()) }
            }
            #expect(try #require(RawResponse(try await all)).content.count == size)
        }
    }

    @Test(arguments: Transport.available)
    func `an upstream of HTTP-2 that takes nothing holds its client back, not the gateway's memory`(
        transport: Transport
    ) async throws {
        let size = 64 << 20
        try await run(on: transport) { gateway, server in
            let client = try await gateway.connect()
            try await client.send("POST /v1 HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: \(size)\r\n\r\n")
            let upstream = try await HTTP2ByHand.accept(from: server)
            let sent = Atomic<Int>(0)
            async let sending: Void = {
                let piece = [UInt8](repeating: 120, count: 64 << 10)
                for _ in 0..<size / piece.count {
                    try await client.send(piece)
                    sent.wrappingAdd(piece.count, ordering: .relaxed)
                }
            }()
            var taken = 0
            while taken < 65_535 { taken += try await upstream.frame(HTTP2ByHand.data).payload.count }
            // With each answer the loop that serves both has had a turn, in which it would have taken what the client sends.
            var (last, timesFull) = (-1, 0)
            while timesFull < 50 {
                _ = try await upstream.catchUp()
                let now = sent.load(ordering: .relaxed)
                (last, timesFull) = (now, now == last ? timesFull + 1 : 0)
            }
            #expect(last <= SocketBuffers.most && SocketBuffers.most < size, "\(last) bytes are on their way")

            // Not all at once: the test would hold in its hands what it keeps the gateway from holding.
            let step = 256 << 10
            var room = 0
            while taken < size {
                if room < step / 2 {
                    try await upstream.widen(by: step)
                    try await upstream.widen(1, by: step)
                    room += step
                }
                let count = try await upstream.frame(HTTP2ByHand.data).payload.count
                (taken, room) = (taken + count, room - count)
            }
            try await upstream.answer(1)
            try await sending
            #expect(try await client.response().status == 200 && taken == size)
        }
    }
}
