// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxy

/// Upstreams that ask who comes, on both transports.
@Suite(.timeLimit(.minutes(1))) struct ClientCertificateTests {
    private func named(_ name: String, of tenant: String = "acme", _ pair: ServerCertificate) -> ClientCertificate {
        ClientCertificate(
            source: "\(tenant)/\(name)", name: ClientCertificateName(tenant: tenant, name: name), chain: pair.chain,
            key: pair.key)
    }

    private func having(_ certificates: ClientCertificate...) throws -> ClientCertificates {
        let made = ClientCertificates()
        try made.replace(by: certificates)
        return made
    }

    private func resources(
        _ port: Int, _ server: ServerCertificate, _ name: String?, protocol: Service.UpstreamProtocol = .http
    ) -> [CompiledResource] {
        let tls = UpstreamTLS(
            serverName: "orders.internal", authorities: String(decoding: server.chain, as: UTF8.self),
            clientCertificate: name)
        return [Pieces.route(), Pieces.cluster(port, protocol: `protocol`, tls: tls)]
    }

    @Test(arguments: Transport.available, Service.UpstreamProtocol.allCases)
    func `an upstream is shown the certificate that its service names`(
        on transport: Transport, protocol: Service.UpstreamProtocol
    ) async throws {
        let (server, client) = (try TestCertificate.make("orders.internal"), try TestCertificate.make("gateway.acme"))
        let nginx = try await Nginx.start(certificate: server, onlyFor: [client], http2: `protocol` == .http2)
        let certificates = try having(named("orders", client))
        for (name, status, text) in [("orders", 200, "CN=gateway.acme"), (nil, 400, nil)] {
            let resources = resources(nginx.port, server, name, protocol: `protocol`)
            try await GatewayHarness.run(on: transport, resources, clientCertificates: certificates) {
                gateway async throws in
                let response = try await gateway.get("/v1/who")
                #expect(response.status == status && (text == nil || response.text == text))
            }
        }
        try await nginx.stop()
    }

    @Test(arguments: Transport.available, Service.UpstreamProtocol.allCases)
    func `without the certificate nobody is connected to, whoever else has one of that name`(
        on transport: Transport, protocol: Service.UpstreamProtocol
    ) async throws {
        let (server, client) = (try TestCertificate.make("orders.internal"), try TestCertificate.make("gateway.acme"))
        let nginx = try await Nginx.start(certificate: server, onlyFor: [client], http2: `protocol` == .http2)
        let certificates = try having(named("orders", of: "beta", client), named("other", client))
        let log = RecordedLog()
        try await GatewayHarness.run(
            on: transport, resources(nginx.port, server, "orders", protocol: `protocol`),
            clientCertificates: certificates, logger: log.logger
        ) { gateway async throws in
            #expect(try await gateway.get("/v1/who").status == 503)
            #expect(nginx.arrived.isEmpty)
            let reason = "error=the gateway has no client certificate 'orders' of the tenant 'acme'"
            #expect(log.lines.contains { $0.contains(reason) && $0.contains("127.0.0.1:\(nginx.port)") })
            try certificates.replace(by: [named("orders", client)])
            try await until("it is there now") { try await gateway.get("/v1/who").status == 200 }
        }
        try await nginx.stop()
    }

    @Test(arguments: Transport.available, Service.UpstreamProtocol.allCases)
    func `two tenants that share an endpoint and a name are each shown as themselves`(
        on transport: Transport, protocol: Service.UpstreamProtocol
    ) async throws {
        let server = try TestCertificate.make("orders.internal")
        let (acme, beta) = (try TestCertificate.make("gateway.acme"), try TestCertificate.make("gateway.beta"))
        let nginx = try await Nginx.start(certificate: server, onlyFor: [acme, beta], http2: `protocol` == .http2)
        let certificates = try having(named("orders", acme), named("orders", of: "beta", beta))
        let own = resources(nginx.port, server, "orders", protocol: `protocol`)
        try await GatewayHarness.run(on: transport, own + own.map(\.ofBeta), clientCertificates: certificates) {
            gateway async throws in
            let client = try await gateway.connect()
            for _ in 0..<3 {
                for tenant in ["acme", "beta"] {
                    try await client.send("GET /v1/who HTTP/1.1\r\nHost: api.\(tenant).test\r\n\r\n")
                    #expect(try await client.response().text == "CN=gateway.\(tenant)")
                }
            }
        }
        try await nginx.stop()
    }

    @Test(arguments: Transport.available)
    func `the next connection shows a renewed certificate, and what cannot be used renews nothing`(
        on transport: Transport
    ) async throws {
        let server = try TestCertificate.make("orders.internal")
        let (first, second) = (try TestCertificate.make("first"), try TestCertificate.make("second"))
        let nginx = try await Nginx.start(keepaliveRequests: 1, certificate: server, onlyFor: [first, second])
        let certificates = try having(named("orders", first))
        try await GatewayHarness.run(
            on: transport, resources(nginx.port, server, "orders"), clientCertificates: certificates
        ) { gateway async throws in
            #expect(try await gateway.get("/v1/who").text == "CN=first")
            var mixed = named("orders", second)
            mixed.key = first.key
            let failure = #expect(throws: CertificateFailure.self) { try certificates.replace(by: [mixed]) }
            #expect(failure?.source == "acme/orders")
            #expect(try await gateway.get("/v1/who").text == "CN=first")
            try certificates.replace(by: [named("orders", second)])
            #expect(try await gateway.get("/v1/who").text == "CN=second")
        }
        try await nginx.stop()
    }
}

extension CompiledResource {
    /// The same of another tenant, for another host.
    fileprivate var ofBeta: CompiledResource {
        switch self {
        case .route(var route):
            route.tenant = "beta"
            (route.id, route.tenantID) = (ResourceID(high: 2, low: 2), ResourceID(high: 1, low: 2))
            route.hosts = ["api.beta.test"]
            return .route(route)
        case .cluster(var cluster):
            cluster.tenant = "beta"
            cluster.id = ResourceID(high: 3, low: 2)
            return .cluster(cluster)
        default: return self
        }
    }
}
