// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeControl
import TurnpikeModel

@Suite struct ReferenceTests {
    @Test func `references to nothing are all named`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        var body = Body.route()
        if case .object(var object) = body {
            object["backends"] = [["service": "a"], ["service": "orders"], ["service": "b"]]
            body = .object(object)
        }
        let error = try await refusal { () throws(TurnpikeError) in
            try await test.write(.put(.route, tenant: "acme", name: "orders", body: body))
        }
        #expect(error.code == .invalidResource)
        #expect(error.pointers == ["/backends/0/service", "/backends/2/service"])
        #expect(error.faults.allSatisfy { $0.rule == .reference })
    }

    @Test func `what others refer to cannot be deleted, and the refusal names them`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        for number in 0..<12 {
            try await test.write(.put(.route, tenant: "acme", name: "r\(number)", body: Body.route(path: "/\(number)")))
        }
        let error = try await refusal { () throws(TurnpikeError) in
            try await test.write(.delete(.service, tenant: "acme", name: "orders"))
        }
        #expect(error.code == .stillReferenced)
        #expect(error.faults.isEmpty)
        #expect(error.detail.hasPrefix("13 resources need the service acme/orders: route acme/orders, route acme/r0"))
        #expect(error.detail.hasSuffix("and 3 more."))
    }

    @Test func `once nothing refers to it any more it can go`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        try await test.write(.put(.service, tenant: "acme", name: "other", body: Body.service()))
        try await test.write(.put(.route, tenant: "acme", name: "orders", body: Body.route(service: "other")))
        try await test.write(.delete(.service, tenant: "acme", name: "orders"))
        let error = try await refusal { () throws(TurnpikeError) in
            try await test.write(.delete(.service, tenant: "acme", name: "other"))
        }
        #expect(error.code == .stillReferenced)
    }

    @Test func `a tenant that has anything cannot be deleted`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let error = try await refusal { () throws(TurnpikeError) in try await test.write(.delete(.tenant, name: "acme"))
        }
        #expect(error.code == .stillReferenced)
        #expect(error.detail == "2 resources need the tenant acme: route acme/orders, service acme/orders.")
        try await test.write(.delete(.route, tenant: "acme", name: "orders"))
        try await test.write(.delete(.service, tenant: "acme", name: "orders"))
        try await test.write(.delete(.tenant, name: "acme"))
    }

    @Test func `a host belongs to the tenant that has it first`() async throws {
        let test = try await TestPlane.start()
        try await test.seed("acme", host: "shared.test")
        let error = try await refusal { () throws(TurnpikeError) in try await test.seed("globex", host: "shared.test") }
        #expect(error.code == .hostTaken)
        #expect(error.pointers == ["/match/hosts/0"])
        #expect(!error.detail.contains("acme"))
        #expect(!error.faults[0].detail.contains("acme"))
        try await test.write(
            .put(.route, tenant: "acme", name: "second", body: Body.route(host: "shared.test", path: "/2")))
        try await test.write(.delete(.route, tenant: "acme", name: "orders"))
        let stillTaken = try await refusal { () throws(TurnpikeError) in
            try await test.write(.put(.route, tenant: "globex", name: "orders", body: Body.route(host: "shared.test")))
        }
        #expect(stillTaken.code == .hostTaken)
        try await test.write(.delete(.route, tenant: "acme", name: "second"))
        try await test.write(.put(.route, tenant: "globex", name: "orders", body: Body.route(host: "shared.test")))
    }

    @Test func `a time zone must be known`() async throws {
        let test = try await TestPlane.start()
        let error = try await refusal { () throws(TurnpikeError) in
            try await test.write(.create(.tenant, body: ["name": "acme", "timeZone": "Mars/Olympus"]))
        }
        #expect(error.code == .invalidResource)
        #expect(error.pointers == ["/timeZone"])
    }
}
