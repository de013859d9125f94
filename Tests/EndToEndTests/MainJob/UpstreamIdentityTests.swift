// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHTTP1
import Testing
import TurnpikeModel
import TurnpikeTestSupport

/// An upstream that serves only whom it knows, speaks HTTP/2 and tells of its health by gRPC: nginx.
@Suite(.serialized) struct UpstreamIdentityTests {
    /// Certificates of the upstream and of two gateways, both of which it knows, and what it is to do.
    private func prepare(_ port: Int, _ stage: Stage) async throws {
        let script = """
            set -e
            make() {
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=$1 \
                    -addext subjectAltName=DNS:$1 -keyout $1.key -out $1.crt
            }
            mkdir -p clients/acme clients/beta health
            make orders.internal; make first; make second
            cat first.crt second.crt > known.crt
            printf '\\0\\0\\0\\0\\2\\10\\1' > health/serving
            """
        let child = try stage.start("openssl", "/bin/bash", ["-c", script])
        #expect(try await child.ended() == 0, "\(child.output)")
        let folder = stage.folder
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map { "\($0)_temp_path \(folder)/\($0);" }.joined(separator: " ")
        try """
        daemon off; master_process off; pid \(folder)/pid; error_log \(folder)/error.log;
        events { worker_connections 64; }
        http {
            access_log off; keepalive_requests 1; \(temporary)
            server {
                listen 127.0.0.1:\(port) ssl http2;
                ssl_certificate \(folder)/orders.internal.crt; ssl_certificate_key \(folder)/orders.internal.key;
                ssl_verify_client on; ssl_client_certificate \(folder)/known.crt;
                location / { return 200 $ssl_client_s_dn; }
                location = /grpc.health.v1.Health/Check { error_page 405 =200 /serving; return 405; }
                location = /serving {
                    internal; root \(folder)/health; default_type application/grpc; add_trailer grpc-status 0;
                }
            }
        }
        """.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
    }

    /// Puts the certificate of this name where the gateway looks for those of a tenant.
    private func give(_ name: String, to tenant: String, on stage: Stage) throws {
        for end in ["crt", "key"] {
            let file = URL(filePath: "\(stage.folder)/clients/\(tenant)/orders.\(end)")
            try Data(contentsOf: URL(filePath: "\(stage.folder)/\(name).\(end)")).write(to: file, options: .atomic)
        }
    }

    @Test(arguments: ["nio", "epoll"])
    func `a gateway shows who it is, by files that may change under way, and never comes without`(
        on transport: String
    ) async throws {
        try await Stage.with { stage in
            let port = try await freePort()
            try await prepare(port, stage)
            try give("first", to: "beta", on: stage)
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            let authorities = try String(contentsOfFile: stage.folder + "/orders.internal.crt", encoding: .utf8)
            let service: JSON = [
                "protocol": "http2", "endpoints": [["host": "127.0.0.1", "port": .integer(Int64(port))]],
                "tls": [
                    "serverName": "orders.internal", "authorities": .string(authorities), "clientCertificate": "orders",
                ],
                "healthCheck": ["grpc": ["service": "orders.Orders"], "interval": "1s"],
            ]
            try await plane.call(.PUT, "/v1/tenants/acme/services/orders", service)
            let match: JSON = ["hosts": ["api.acme.test"], "paths": [["prefix": "/"]]]
            try await plane.call(
                .PUT, "/v1/tenants/acme/routes/orders", ["match": match, "backends": [["service": "orders"]]])
            let nginx = try stage.start(
                "nginx", "/usr/sbin/nginx",
                ["-p", stage.folder, "-c", stage.folder + "/nginx.conf", "-e", stage.folder + "/error.log"])
            let gateway = try await GatewayProcess.start(
                joining: plane, on: stage,
                options: [
                    "--transport", transport, "--loops", "1", "--client-certificates", stage.folder + "/clients",
                ])

            // What there is, is another tenant's.
            let refused = try await gateway.get("/")
            #expect(refused.status == 503 && refused.text.contains("no-healthy-upstream"))
            #expect(
                gateway.process.output.contains(
                    "the gateway has no client certificate 'orders' of the tenant 'acme'"))

            for name in ["first", "second"] {
                try give(name, to: "acme", on: stage)
                gateway.process.signal(SIGHUP)
                try await until("\(name) is shown") { try await gateway.get("/").text == "CN=\(name)" }
            }
            try await until("gRPC's answer is good") {
                let metrics = try await Exchange.send(.GET, gateway.adminURL + "/metrics").text
                return metrics.contains(
                    "turnpike_upstream_endpoints{service=\"orders\",state=\"healthy\",tenant=\"acme\"} 1\n")
            }
            #expect(nginx.status == nil)
        }
    }
}
