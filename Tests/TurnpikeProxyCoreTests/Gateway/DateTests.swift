// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// When an answer was given (RFC 9110 §6.6.1).
@Suite struct DateTests {
    private let get = "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n\r\n"
    private let now = "\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\n"

    private func rig(respond: DirectResponse? = nil, edits: HeaderEdits = HeaderEdits()) throws -> ConnectionRig {
        guard case .route(var route) = Sample.route() else { throw ConnectionRig.Unexpected("no route") }
        if respond != nil { route.backends = [] }
        route.respond = respond
        route.responseHeaders = edits
        return try ConnectionRig([.route(route), Sample.cluster()])
    }

    @Test(arguments: ["GET /nowhere HTTP/1.1\r\nHost: api.acme.test\r\n\r\n", "no request at all\r\n\r\n"])
    func `a refusal tells its date`(request: String) throws {
        let rig = try rig()
        rig.receive(request)
        #expect(rig.client.components(of: now) == 1, "\(rig.client)")
        #expect(rig.observer.exchanges.last?.bytesOut == Int64(rig.client.utf8.count))
    }

    @Test func `a refusal of what came over HTTP-2 tells its date`() throws {
        let rig = try rig()
        let answer = rig.gateway.refused(.badFieldName, from: rig.connection.client, over: .https)
        #expect(String(decoding: answer, as: UTF8.self).contains(now))
    }

    @Test func `an answer of the route's own tells its date`() throws {
        let rig = try rig(respond: DirectResponse(status: 200, contentType: "text/plain", body: "hello"))
        rig.receive(get)
        #expect(rig.takeClient().components(of: now) == 1)
        rig.advance(by: 1_000_000_000)
        rig.receive(get)
        #expect(rig.client.contains("\r\nDate: Fri, 15 Jan 2027 08:00:01 GMT\r\n"))
    }

    @Test func `an upstream's date goes through, and one is added where it has told none`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\ndate: yesterday\r\nContent-Length: 0\r\n\r\n")
        #expect(rig.client.contains("\r\ndate: yesterday\r\n"))
        #expect(rig.takeClient().components(of: now) == 0)
        rig.receive(get)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(rig.client.components(of: now) == 1)
    }

    @Test func `what comes before an answer has no date of the gateway's`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        #expect(rig.client.hasPrefix("HTTP/1.1 103 ") && !rig.client.contains("Date"))
    }

    @Test(arguments: [nil, DirectResponse(status: 200, contentType: "text/plain", body: "hello")] as [DirectResponse?])
    func `a route may take it out`(respond: DirectResponse?) throws {
        let rig = try rig(respond: respond, edits: HeaderEdits(remove: ["date"]))
        if respond == nil {
            let id = try rig.exchange(get)
            rig.receive(from: id, "HTTP/1.1 200 OK\r\nDate: yesterday\r\nContent-Length: 0\r\n\r\n")
        } else {
            rig.receive(get)
        }
        #expect(rig.status == 200 && !rig.client.lowercased().contains("\r\ndate:"), "\(rig.client)")
    }
}
