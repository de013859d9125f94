// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

@Suite struct HeaderEditTests {
    private func rig(
        request: HeaderEdits = HeaderEdits(), response: HeaderEdits = HeaderEdits()
    ) throws -> ConnectionRig {
        guard case .route(var route) = Sample.route() else { throw ConnectionRig.Unexpected("no route") }
        route.requestHeaders = request
        route.responseHeaders = response
        return try ConnectionRig([.route(route), Sample.cluster()])
    }

    private let request =
        "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nX-Env: client\r\nx-debug: 1\r\nAccept: */*\r\nX-ENV: again\r\n\r\n"

    @Test func `fields of requests are set in the place of those that came, and removed`() throws {
        let edits = HeaderEdits(
            set: [.init(name: "x-env", value: "prod"), .init(name: "x-new", value: "")], remove: ["x-debug"])
        let rig = try rig(request: edits)
        let id = try rig.exchange(request)
        let sent = try #require(rig.sent[id])
        #expect(sent.components(of: "\r\nx-env: prod\r\n") == 1 && sent.contains("\r\nx-new: \r\n"))
        #expect(!sent.contains("client") && !sent.contains("again") && !sent.contains("x-debug"))
        #expect(sent.contains("\r\nAccept: */*\r\n"))
    }

    @Test func `fields of final answers are set and removed, those of interim ones and of refusals left`() throws {
        let edits = HeaderEdits(set: [.init(name: "cache-control", value: "no-store")], remove: ["server", "link"])
        let rig = try rig(response: edits)
        let id = try rig.exchange(request)
        rig.receive(from: id, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        #expect(rig.takeClient().contains("Link: </a>"))
        rig.receive(
            from: id,
            "HTTP/1.1 200 OK\r\nServer: x\r\nCache-Control: public\r\nLink: </a>\r\nX-A: b\r\nContent-Length: 0\r\n\r\n"
        )
        let answer = rig.takeClient()
        #expect(answer.contains("\r\ncache-control: no-store\r\n") && answer.contains("\r\nX-A: b\r\n"))
        #expect(!answer.contains("public") && !answer.contains("Server") && !answer.contains("Link"))
        rig.receive(request)
        rig.does { $0.upstreamClosed(id) }
        #expect(
            rig.client.contains("HTTP/1.1 50") == !rig.client.isEmpty && !rig.client.contains("cache-control: no-store")
        )
    }

    @Test func `answers of the route's own have them too`() throws {
        guard case .route(var route) = Sample.route() else { return }
        route.backends = []
        route.respond = DirectResponse(status: 200, contentType: "text/plain", body: "hi")
        route.responseHeaders = HeaderEdits(
            set: [.init(name: "content-type", value: "text/html"), .init(name: "cache-control", value: "no-store")])
        let rig = try ConnectionRig([.route(route)])
        rig.receive(request)
        #expect(rig.client.contains("\r\ncontent-type: text/html\r\ncache-control: no-store\r\n"))
        #expect(!rig.client.contains("text/plain") && rig.client.hasSuffix("\r\n\r\nhi"))
    }
}
