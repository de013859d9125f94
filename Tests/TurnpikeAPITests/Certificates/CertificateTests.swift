// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Testing
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeTestSupport

@Suite struct CertificateTests {
    private let path = "/v1/tenants/acme/certificates/api"

    /// The body for a new certificate, and its key.
    private func body(_ names: String..., at now: Timestamp) throws -> (text: String, key: String) {
        let issued = try CertificateAuthority(now: now).issueServer(names: names, now: now)
        let body: JSON = ["chain": .string(issued.certificatePEM), "privateKey": .string(issued.privateKeyPEM)]
        return (body.text, issued.privateKeyPEM)
    }

    @Test func `a certificate is written, read, changed and deleted as every kind is`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let (text, _) = try body("api.acme.test", at: server.clock.now)
            let created = try await server.send(.put, path, text)
            #expect(created.status == 201 && created[header: "Location"] == path)
            #expect(created.json["names"] == ["api.acme.test"] && created.json["privateKey"] == nil)
            #expect(created.json["fingerprint"]?.string?.count == 64)
            let eTag = try #require(created[header: "ETag"])
            #expect(try await server.send(.get, path, headers: [.ifNoneMatch: eTag]).status == 304)
            // What was read may be sent back.
            let read = try await server.send(.get, path)
            let again = try await server.send(.put, path, read.text)
            #expect(again.status == 200 && again[header: "ETag"] == eTag)
            let (other, _) = try body("api.acme.test", at: server.clock.now)
            #expect(try await server.send(.put, path, other, headers: [.ifMatch: "\"1\""]).status == 412)
            let changed = try await server.send(.put, path, other, headers: [.ifMatch: eTag])
            #expect(changed.status == 200 && changed.json["fingerprint"] != created.json["fingerprint"])
            let list = try await server.send(.get, "/v1/tenants/acme/certificates")
            #expect(list.json["data"]?.array?.count == 1)
            #expect(try await server.send(.delete, path).status == 204)
            #expect(try await server.send(.get, path).status == 404)
        }
    }

    @Test func `what is wrong is told by its place, and what is another's by 409`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            #expect(try await server.send(.post, "/v1/tenants", #"{"name":"globex"}"#).status == 201)
            let bad = try await server.send(.put, path, #"{"chain":"x","privateKey":"y","key":"z"}"#)
            #expect(bad.status == 422 && bad.faults == ["/key unknown"])
            let unread = try await server.send(.put, path, #"{"chain":"x","privateKey":"y"}"#)
            #expect(unread.status == 422 && unread.faults == ["/chain format", "/privateKey format"])
            let (text, _) = try body("api.acme.test", at: server.clock.now)
            let taken = try await server.send(.put, "/v1/tenants/globex/certificates/api", text)
            #expect(taken.status == 409 && taken.problem == "host-taken" && taken.faults == ["/chain conflict"])
            #expect(try await server.send(.put, "/v1/tenants/none/certificates/api", text).status == 404)
        }
    }

    @Test func `nobody but the gateway that asks is given the sealing key`() async throws {
        try await TestServer.run { server in
            let body = SealingKeyEnvelopeBody()
            var tokens: [(id: String, credential: String)] = []
            for name in ["gw-1", "gw-2"] {
                let join = try await server.send(.post, "/v1/join-tokens", #"{"kind":"gateway"}"#)
                let token = join.json["token"]?.string ?? ""
                let joined = try await server.send(
                    .post, "/v1/workers", #"{"name":"\#(name)","kind":"gateway"}"#,
                    headers: [.authorization: "Bearer \(token)"])
                tokens.append((joined.json["id"]?.string ?? "", joined.json["credential"]?.string ?? ""))
            }
            let target = "/v1/workers/\(tokens[0].id)/sealing-key"
            let own: HTTPFields = [.authorization: "Bearer \(tokens[0].credential)"]
            let answer = try await server.send(.post, target, body.text, headers: own)
            #expect(answer.status == 200 && answer[header: "Cache-Control"] == "no-store")
            let key = try body.envelope.open(answer.json["sealedKey"]?.string ?? "", worker: tokens[0].id)
            #expect(key.id == answer.json["id"]?.string)
            #expect(try await server.send(.post, target, body.text).status == 403)
            let other: HTTPFields = [.authorization: "Bearer \(tokens[1].credential)"]
            #expect(try await server.send(.post, target, body.text, headers: other).status == 403)
            #expect(
                try await server.send(.post, target, body.text, headers: [.authorization: "Bearer x"]).status == 401)
            let unfit = try await server.send(.post, target, #"{"publicKey":"AAAA"}"#, headers: own)
            #expect(unfit.status == 422 && unfit.faults == ["/publicKey format"])
        }
    }

    private struct SealingKeyEnvelopeBody {
        let envelope = SealingKeyEnvelope()
        var text: String { #"{"publicKey":"\#(envelope.publicKey)"}"# }
    }

    @Test func `no answer, no log line and no file ever holds a private key`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            var keys: [String] = []
            var answers: [String] = []
            let idempotencyKey = try #require(HTTPField.Name("Idempotency-Key"))
            for method in [HTTPRequest.Method.put, .put, .patch] {
                let (text, key) = try body("api.acme.test", at: server.clock.now)
                keys.append(key)
                let headers: HTTPFields = [idempotencyKey: "k\(keys.count)"]
                answers.append(try await server.send(method, path, text, headers: headers).text)
                answers.append(try await server.send(method, path, text, headers: headers).text)
                answers.append(try await server.send(method, path + "?dryRun=true", text).text)
            }
            for target in [
                path, "/v1/tenants/acme/certificates", "/v1/changes", "/v1/audit", "/v1/export",
            ] {
                let answer = try await server.send(.get, target)
                #expect(answer.status == 200, "\(target)")
                answers.append(answer.text)
            }
            #expect(answers.last?.contains("sealed:v1:") == true)
            let files = try FileManager.default.contentsOfDirectory(atPath: server.directory)
            #expect(files.contains("turnpike.sqlite"))
            for key in keys {
                // Each line of its content, as it is, and the bytes that it stands for.
                let lines = key.split(separator: "\n").filter { !$0.hasPrefix("-") }
                let bytes = try #require(Data(base64Encoded: lines.joined()))
                // The scalar of a P-256 key in PKCS #8.
                let scalar = bytes[36..<68]
                for line in lines.map({ Data($0.utf8) }) + [scalar] {
                    for answer in answers { #expect(Data(answer.utf8).range(of: line) == nil) }
                    for file in files {
                        let content = try Data(contentsOf: URL(fileURLWithPath: server.directory + "/" + file))
                        #expect(content.range(of: line) == nil, "\(file)")
                    }
                    #expect(!server.log.all.contains { Data($0.utf8).range(of: line) != nil })
                }
            }
        }
    }
}
