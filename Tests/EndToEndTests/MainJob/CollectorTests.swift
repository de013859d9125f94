// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing
import TurnpikeModel
import TurnpikeTestSupport

/// A gateway that tells a collector what became of requests, whatever its clients and upstreams speak.
@Suite(.serialized) struct CollectorTests {
    /// nginx as a server of gRPC, as far as a gateway can tell: HTTP/2 in the clear, and the call's status in trailers.
    private func startGRPC(_ stage: Stage) async throws -> Int {
        let port = try await freePort()
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
            "\($0)_temp_path \(stage.folder)/\($0);"
        }
        let text = """
            daemon off; master_process off; pid \(stage.folder)/nginx.pid; error_log stderr;
            events { worker_connections 64; }
            http {
                access_log off; \(temporary.joined(separator: " "))
                server {
                    listen 127.0.0.1:\(port) http2;
                    location / { default_type application/grpc; add_trailer grpc-status 0; return 200 'answer'; }
                }
            }
            """
        let file = "\(stage.folder)/nginx.conf"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        _ = try stage.start("nginx", "/usr/bin/env", ["nginx", "-p", stage.folder, "-c", file, "-e", "stderr"])
        try await until("nginx listens") {
            let connecting = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port)
            return try await connecting.flatMap { $0.close() }.map { true }.recover { _ in false }.get()
        }
        return port
    }

    /// Sends one request over TLS, and returns the status.
    private func curl(
        _ gateway: GatewayProcess, _ path: String, _ options: [String], _ stage: Stage
    ) async throws -> String {
        let port = try #require(gateway.secureURL?.split(separator: ":").last)
        let child = try stage.start(
            "curl", "/usr/bin/env",
            [
                "curl", "-sSk", "--resolve", "api.acme.test:\(port):127.0.0.1", "-o", "/dev/null", "-w",
                "%{http_version} %{http_code}", "https://api.acme.test:\(port)\(path)",
            ] + options)
        #expect(try await child.ended() == 0, "\(child.output)")
        return child.output
    }

    private func configure(_ plane: ControlPlaneProcess, orders: Int, calls: Int) async throws {
        try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
        for (name, port, wire) in [("orders", orders, "http"), ("calls", calls, "http2")] {
            try await plane.call(
                .PUT, "/v1/tenants/acme/services/\(name)",
                ["protocol": .string(wire), "endpoints": [["host": "127.0.0.1", "port": .integer(Int64(port))]]])
            try await plane.call(
                .PUT, "/v1/tenants/acme/routes/\(name)",
                [
                    "match": ["hosts": ["api.acme.test"], "paths": [["prefix": .string("/\(name)")]]],
                    "backends": [["service": .string(name)]],
                ])
        }
    }

    @Test(arguments: ["nio", "epoll"])
    func `requests over HTTP-2, and gRPC's, are told as those over HTTP-1 are`(on transport: String) async throws {
        try await Stage.with { stage in
            let (origin, collector) = (try await Origin.start(), try await Collector.start())
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await configure(plane, orders: origin.port, calls: try await startGRPC(stage))
            try await stage.makeCertificate("api.acme.test", "default")
            let gateway = try await GatewayProcess.start(
                joining: plane, on: stage,
                options: [
                    "--transport", transport, "--secure-listen", "127.0.0.1:0", "--certificates",
                    "\(stage.folder)/certificates", "--traces-to", collector.address, "--trace-sampling", "1",
                ])
            #expect(try await curl(gateway, "/orders/1", ["--http1.1"], stage) == "1.1 200")
            #expect(try await curl(gateway, "/orders/2", ["--http2"], stage) == "2 200")
            // Without content, since this server answers before it has read any, and some clients take that for a fault.
            let call = ["--http2", "-H", "Content-Type: application/grpc", "-H", "TE: trailers", "-d", ""]
            #expect(try await curl(gateway, "/calls/3", call, stage) == "2 200")

            try await until("all spans are told") { collector.spans.count { $0.kind == .client } >= 3 }
            let requests = collector.spans.filter { $0.kind == .server }
                .sorted { $0.attributes["url.path"] ?? "" > $1.attributes["url.path"] ?? "" }
            #expect(requests.map { $0.attributes["url.path"] } == ["/orders/2", "/orders/1", "/calls/3"])
            #expect(requests.map { $0.attributes["network.protocol.version"] } == ["2", "1.1", "2"])
            #expect(requests.map { $0.attributes["http.request.method"] } == ["GET", "GET", "POST"])
            for request in requests {
                #expect(Set(request.attributes.keys) == Set(requests[0].attributes.keys))
                #expect(request.attributes["http.response.status_code"] == "200")
                #expect(request.attributes["url.scheme"] == "https")
                let tries = collector.spans.filter { $0.parentID == request.id && $0.kind == .client }
                let wire = request.attributes["url.path"] == "/calls/3" ? "2" : "1.1"
                #expect(tries.last?.attributes["network.protocol.version"] == wire)
                #expect(tries.last?.attributes["http.response.status_code"] == "200")
            }
            try await origin.stop()
            try await collector.stop()
        }
    }
}
