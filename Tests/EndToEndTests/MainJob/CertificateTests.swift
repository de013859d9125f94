// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Testing
import TurnpikeModel
import TurnpikeTestSupport

/// Certificates that operators write by REST, as clients of a gateway see them.
@Suite(.serialized) struct CertificateTests {
    private static let target = "/v1/tenants/acme/certificates/api"

    /// Makes a certificate for `api.acme.test` in files of this name.
    ///
    /// - Returns: what an operator writes.
    private func make(_ name: String, on stage: Stage) async throws -> JSON {
        try await stage.makeCertificate("api.acme.test", name)
        let file = "\(stage.folder)/certificates/\(name)"
        return [
            "chain": .string(try String(contentsOfFile: file + ".crt", encoding: .utf8)),
            "privateKey": .string(try String(contentsOfFile: file + ".key", encoding: .utf8)),
        ]
    }

    /// A client that trusts one certificate only, on one connection for as long as that stays.
    private func client(trusting name: String, on stage: Stage) throws -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(
            try NIOSSLCertificate.fromPEMFile("\(stage.folder)/certificates/\(name).crt"))
        configuration.tlsConfiguration = tls
        configuration.dnsOverride = ["api.acme.test": "127.0.0.1"]
        configuration.httpVersion = .http1Only
        // A handshake that fails has said all that there is to know.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    private func with(
        trusting name: String, on stage: Stage, _ body: (HTTPClient) async throws -> Void
    ) async throws {
        let client = try client(trusting: name, on: stage)
        let result: Result<Void, any Error>
        do { result = .success(try await body(client)) } catch { result = .failure(error) }
        try await client.shutdown()
        try result.get()
    }

    /// The status of one request, `nil` where no handshake succeeds.
    private func get(_ gateway: GatewayProcess, by client: HTTPClient) async throws -> Int? {
        let port = try #require(gateway.secureURL?.split(separator: ":").last)
        do {
            return try await Exchange.send(.GET, "https://api.acme.test:\(port)/none", by: client).status
        } catch is NIOSSLError { return nil } catch let error as HTTPClientError where error == .remoteConnectionClosed
        {
            return nil
        } catch is ChannelError { return nil }
    }

    /// Whether a new connection shows the certificate of this name.
    private func shows(_ name: String, _ gateway: GatewayProcess, on stage: Stage) async throws -> Bool {
        var status: Int?
        try await with(trusting: name, on: stage) { status = try await get(gateway, by: $0) }
        return status == 404
    }

    @Test func `a certificate is shown, changed and taken away under way, and outlives the control plane`()
        async throws
    {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            let gateway = try await GatewayProcess.start(
                joining: plane, on: stage, options: ["--secure-listen", "127.0.0.1:0"])
            let (one, two) = (try await make("one", on: stage), try await make("two", on: stage))
            #expect(try await !shows("one", gateway, on: stage))

            let applied = "?wait=applied&timeout=30s"
            try await plane.call(.PUT, Self.target + applied, one)
            #expect(try await shows("one", gateway, on: stage))
            try await with(trusting: "one", on: stage) { open in
                #expect(try await get(gateway, by: open) == 404)
                try await plane.call(.PUT, Self.target + applied, two)
                #expect(try await shows("two", gateway, on: stage))
                #expect(try await !shows("one", gateway, on: stage))
                // A handshake of this client would fail now: it goes on by the one before.
                #expect(try await get(gateway, by: open) == 404)
            }

            // It is on the disk, sealed, and the key to it beside it, for the owner only.
            let state = "\(stage.folder)/gateway-1"
            try await until("the configuration is stored") {
                ["last-good.ndjson", "last-good.ndjson.log"].contains { file in
                    (try? String(contentsOfFile: "\(state)/\(file)", encoding: .utf8))?.contains("sealed:v1:") == true
                }
            }
            try await plane.killHard()
            try await gateway.killHard()
            try await gateway.restart()
            #expect(try await shows("two", gateway, on: stage))

            try await plane.restart()
            try await plane.call(.DELETE, Self.target + applied)
            #expect(try await !shows("two", gateway, on: stage))
            for file in try FileManager.default.subpathsOfDirectory(atPath: stage.folder) {
                guard !file.hasPrefix("certificates/"), file != "certificates" else { continue }
                let content = FileManager.default.contents(atPath: "\(stage.folder)/\(file)") ?? Data()
                for body in [one, two] {
                    let line = try #require(body["privateKey"]?.string?.split(separator: "\n").dropFirst().first)
                    #expect(content.range(of: Data(line.utf8)) == nil, "\(file)")
                }
            }
            for file in ["data/sealing.key", "gateway-1/sealing.keys"] {
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(stage.folder)/\(file)")
                #expect(attributes[.posixPermissions] as? Int == 0o600)
            }
        }
    }

    @Test func `a gateway that lost the key says which certificate it cannot show, until it is written anew`()
        async throws
    {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            let one = try await make("one", on: stage)
            try await plane.call(.PUT, Self.target, one)
            // The sealing key is lost, as after a restore without it.
            try await plane.killHard()
            try FileManager.default.removeItem(atPath: "\(stage.folder)/data/sealing.key")
            try await plane.restart()
            let token = try await plane.call(.POST, "/v1/join-tokens", ["kind": "gateway"])["token"]?.string ?? ""
            _ = try stage.start(
                "gateway", "\(Stage.programs)/turnpike-worker",
                [
                    "gateway", "--control-plane", plane.url, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
                    "--secure-listen", "127.0.0.1:0", "--state", "\(stage.folder)/g", "--name", "g", "--join-token",
                    token,
                ])
            let resource = try await until("the certificate is named") {
                try await plane.send(.GET, "/v1/workers/g").json["status"]?["rejection"]?["reasons"]?.array?
                    .first?["resource"]?.string
            }
            #expect(resource == Self.target)
            let rollout = try await plane.call(.PUT, Self.target + "?wait=applied&timeout=30s", one)["rollout"]
            #expect(rollout?["applied"]?.array?.count == 1)
        }
    }

    @Test func `the sealing key is changed under way, by kill -9 too, and the former one goes`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            let one = try await make("one", on: stage)
            let count = 300
            let resources = (0..<count).map { number -> JSON in
                ["kind": "certificate", "tenant": "acme", "name": .string("c\(number)"), "spec": one]
            }
            try await plane.call(.POST, "/v1/apply", ["resources": .array(resources)])
            let old = try #require(try await keys(on: stage).first?.id)

            // Killed as soon as it has begun.
            #expect(try await sealingKey("rotate", on: stage).status == 0)
            #expect(try await keys(on: stage).map(\.certificates) == [0, count])
            let written = try await plane.call(.GET, "/readyz")["revision"]?.integer ?? 0
            try await plane.killHard()
            try plane.beginRestart()
            _ = try await until("sealing anew has begun") {
                guard let answer = try? await plane.send(.GET, "/readyz") else { return false }
                return answer.json["revision"]?.integer ?? 0 > written
            }
            try await plane.killHard()
            #expect(try await keys(on: stage).map(\.certificates).reduce(0, +) == count)
            let check = try stage.start("check", "\(Stage.programs)/turnpike", ["check", "\(stage.folder)/data"])
            #expect(try await check.ended() == 0, "\(check.output)")

            try await plane.restart()
            try await until("all is sealed anew") { try await keys(on: stage).map(\.certificates) == [count, 0] }
            let early = try await sealingKey("drop", old, on: stage)
            #expect(early.status == 1 && early.output.contains("in use"))
            #expect(try await plane.process.terminate() == 0)
            let new = try #require(try await keys(on: stage).first?.id)
            #expect(try await sealingKey("drop", new, on: stage).output.contains("The key \(new) seals"))
            #expect(try await sealingKey("drop", "0000", on: stage).output.contains("There is no key 0000"))
            #expect(try await sealingKey("drop", old, on: stage).status == 0)
            let left = try await keys(on: stage)
            #expect(left.map(\.id) == [new, old] && left.map(\.use) == ["seals", "is not there"])
            #expect(left.map(\.certificates) == [count, 0])

            try await plane.restart()
            let gateway = try await GatewayProcess.start(
                joining: plane, on: stage, options: ["--secure-listen", "127.0.0.1:0"])
            #expect(try await shows("one", gateway, on: stage))
        }
    }

    @Test func `SIGHUP takes another sealing key, and gateways show what is sealed by it`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            try await plane.call(.PUT, Self.target, try await make("one", on: stage))
            let gateway = try await GatewayProcess.start(
                joining: plane, on: stage, options: ["--secure-listen", "127.0.0.1:0"])
            #expect(try await shows("one", gateway, on: stage))
            // What cannot be read leaves the keys as they are.
            let file = "\(stage.folder)/data/sealing.key"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try "none".write(toFile: file, atomically: true, encoding: .utf8)
            plane.process.signal(SIGHUP)
            _ = try await plane.process.match("that it cannot", /sealing keys cannot be read anew/)
            try text.write(toFile: file, atomically: true, encoding: .utf8)

            #expect(try await sealingKey("rotate", on: stage).status == 0)
            plane.process.signal(SIGHUP)
            try await until("all is sealed anew") { try await keys(on: stage).map(\.certificates) == [1, 0] }
            try await plane.call(.PUT, Self.target + "?wait=applied&timeout=30s", try await make("two", on: stage))
            #expect(try await shows("two", gateway, on: stage))
            #expect(try await keys(on: stage).map(\.certificates) == [1, 0])
        }
    }

    private func sealingKey(_ arguments: String..., on stage: Stage) async throws -> (status: Int32, output: String) {
        let child = try stage.start(
            "sealing-key", "\(Stage.programs)/turnpike",
            ["sealing-key"] + arguments + ["--data", "\(stage.folder)/data"])
        return (try await child.ended(), child.output)
    }

    private func keys(on stage: Stage) async throws -> [(id: String, use: String, certificates: Int)] {
        let (status, output) = try await sealingKey("list", "-o", "json", on: stage)
        #expect(status == 0, "\(output)")
        return try JSON.parse(output)["data"]?.array?.map { key in
            (key["id"]?.string ?? "", key["use"]?.string ?? "", Int(key["certificates"]?.integer ?? -1))
        } ?? []
    }
}
