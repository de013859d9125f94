// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// What routes do with requests besides forwarding them as they came.
@Suite struct ActionTests {
    private func route(
        paths: [PathMatch] = [.prefix("/v1/orders")], requiresKey: Bool = false, redirect: Redirect? = nil,
        respond: DirectResponse? = nil, rewrite: Rewrite? = nil
    ) -> CompiledResource {
        guard
            case .route(var route) = Sample.route(
                paths: paths, requiresKey: requiresKey)
        else { return Sample.route() }
        if redirect != nil || respond != nil { route.backends = [] }
        route.redirect = redirect
        route.respond = respond
        route.rewrite = rewrite
        return .route(route)
    }

    private func get(_ target: String, _ fields: String = "") -> String {
        "GET \(target) HTTP/1.1\r\nHost: API.acme.test:8000\r\n\(fields)\r\n"
    }

    // MARK: - Redirects

    @Test(arguments: [
        ("https://new.acme.test{path}{query}", "/v1/orders/7?a=b%20c", "https://new.acme.test/v1/orders/7?a=b%20c"),
        ("https://new.acme.test{path}{query}", "/v1//orders/./7", "https://new.acme.test/v1/orders/7"),
        ("https://{host}:8443{path}", "/v1/orders?x", "https://API.acme.test:8443/v1/orders"),
        ("/v2{path}{query}", "/v1/orders?", "/v2/v1/orders?"), ("{path}?moved=1", "/v1/orders", "/v1/orders?moved=1"),
    ])
    func `a redirect leads where its location says`(location: String, target: String, expected: String) throws {
        let template = try #require(TextTemplate(location))
        let rig = try ConnectionRig([route(redirect: Redirect(status: 308, location: template))])
        rig.receive(get(target))
        #expect(rig.status == 308 && rig.connecting == nil && rig.connection.isIdle)
        #expect(rig.client.contains("\r\nLocation: \(expected)\r\n"), "\(rig.client)")
        #expect(rig.client.contains("\r\nContent-Length: 0\r\n") && rig.client.hasSuffix("\r\n\r\n"))
        let series = try #require(rig.recorder.series.first)
        #expect(series.key.statusClass == 3 && series.value.requests == 1 && series.value.units == 1)
        #expect(series.value.bytesOut == Int64(rig.client.utf8.count))
    }

    @Test(arguments: [
        (["/users/{id}"], "/people/{id}", "/users/7", "/people/7"),
        (["/{tenant}/files/{rest+}/raw"], "/{tenant}/{rest}?raw=1", "/a/files/x/y/z/raw", "/a/x/y/z?raw=1"),
        (
            ["/users/{id}", "/{x}/items/{id}"], "https://{host}/people/{id}{query}", "/b/items/9?q",
            "https://API.acme.test/people/9?q"
        ),
        (["/{path}"], "https://new.acme.test{path}", "/a", "https://new.acme.test/a"),
    ])
    func `the parameters of the template that the path fits are put in`(
        templates: [String], location: String, target: String, expected: String
    ) throws {
        let redirect = Redirect(status: 302, location: try #require(TextTemplate(location)))
        let rig = try ConnectionRig([route(paths: templates.map { .template($0) }, redirect: redirect)])
        rig.receive(get(target))
        #expect(rig.client.contains("\r\nLocation: \(expected)\r\n"), "\(rig.client)")
    }

    @Test func `a client that takes nothing gets no more answers than it has room for`() throws {
        let redirect = Redirect(status: 302, location: try #require(TextTemplate("/x")))
        let rig = try ConnectionRig([route(redirect: redirect)])
        rig.does { $0.clientWritability(false) }
        #expect(!rig.readsClient)
        rig.receive(get("/v1/orders") + get("/v1/orders"))
        #expect(rig.client.isEmpty)
        rig.does { $0.clientWritability(true) }
        #expect(rig.client.matches(of: /HTTP\/1\.1 302/).count == 2 && rig.readsClient)
    }

    // MARK: - Answers

    private let hello = DirectResponse(status: 200, contentType: "application/json", body: "{\"hello\":\"world\"}\n")

    @Test func `a route answers by itself, over and over, on one connection`() throws {
        let rig = try ConnectionRig([route(respond: hello)])
        rig.receive(get("/v1/orders") + get("/v1/orders/7"))
        let answers = rig.takeClient()
        #expect(answers.components(of: "HTTP/1.1 200 \r\n") == 2)
        #expect(answers.components(of: "\r\n\r\n{\"hello\":\"world\"}\n") == 2)
        #expect(answers.contains("\r\nContent-Type: application/json\r\nContent-Length: 18\r\n"))
        #expect(rig.connection.isIdle && rig.recorder.total.requests == 2 && rig.recorder.total.units == 2)
        #expect(rig.observer.exchanges.map(\.status) == [200, 200] && rig.observer.exchanges[0].refusal == nil)
    }

    @Test func `HEAD gets the head alone, and 204 no length`() throws {
        let rig = try ConnectionRig([route(respond: hello)])
        rig.receive(get("/v1/orders").replacing("GET", with: "HEAD"))
        #expect(rig.client.contains("\r\nContent-Length: 18\r\n") && rig.client.hasSuffix("\r\n\r\n"))
        let empty = try ConnectionRig([route(respond: DirectResponse(status: 204, contentType: "a/b", body: ""))])
        empty.receive(get("/v1/orders"))
        #expect(empty.status == 204 && !empty.client.contains("Content-"))
    }

    @Test func `keys, rate limits and quotas hold for what is answered`() throws {
        let rig = try ConnectionRig([
            route(requiresKey: true, respond: hello), Sample.key("secret"),
            Sample.rateLimit(per: .route, limit: 2), Sample.quota(limit: 100),
        ])
        rig.receive(get("/v1/orders"))
        #expect(rig.status == 401)
        _ = rig.takeClient()
        let request = get("/v1/orders", "X-Api-Key: secret\r\n")
        rig.receive(request)
        #expect(rig.client.isEmpty && rig.connection.waitsForGrant)
        rig.grant(10)
        #expect(rig.status == 200 && rig.recorder.consumed.values.reduce(0, +) == 1)
        _ = rig.takeClient()
        rig.receive(request + request)
        #expect(rig.client.components(of: "HTTP/1.1 200") == 1 && rig.client.contains("HTTP/1.1 429"))
    }

    @Test func `where a redirect leads is kept while its quota is waited for`() throws {
        let location = try #require(TextTemplate("/other{path}{query}"))
        let rig = try ConnectionRig([
            route(redirect: Redirect(status: 307, location: location)), Sample.quota(limit: 100),
        ])
        rig.receive(get("/v1/orders/7?x=1"))
        #expect(rig.connection.waitsForGrant)
        rig.grant(10)
        #expect(rig.client.contains("\r\nLocation: /other/v1/orders/7?x=1\r\n"))
    }

    @Test(arguments: [("Content-Length: 5\r\n", true), ("Transfer-Encoding: chunked\r\n", false)])
    func `short content is read and thrown away, and else the connection ends`(field: String, stays: Bool) throws {
        let rig = try ConnectionRig([route(respond: hello)])
        rig.receive(get("/v1/orders", field).replacing("GET", with: "POST"))
        #expect(rig.status == 200)
        #expect(rig.client.contains("Connection: close\r\n") == !stays)
        if stays {
            rig.receive("12345" + get("/v1/orders"))
            #expect(rig.client.components(of: "HTTP/1.1 200") == 2 && rig.connection.isIdle)
        }
    }

    // MARK: - Rewriting

    @Test(arguments: [
        (["/v1/orders"], "/internal", "/v1/orders/7?a=b", "/internal/7?a=b"),
        (["/v1/orders"], "/internal", "/v1/orders", "/internal"), (["/v1/orders"], "/", "/v1/orders", "/"),
        (["/v1/orders"], "/", "/v1/orders/7", "/7"), (["/"], "/internal/", "/v1//x", "/internal/v1/x"),
        (["/v1/"], "/internal", "/v1/x", "/internal/x"), (["/v1/"], "/internal/", "/v1/", "/internal/"),
        (["/v1", "/v1/orders"], "/i", "/v1/orders/7", "/i/7"),
        (["/v1", "/v1/orders"], "/i", "/v1/ordersX", "/i/ordersX"),
        (["/a"], "/caf%c3%a9", "/a/%7eb", "/caf%C3%A9/~b"), (["/%61"], "/b", "/a/c", "/b/c"),
    ])
    func `the prefix that matched is replaced`(
        prefixes: [String], replacement: String, target: String, expected: String
    ) throws {
        let rewrite = Rewrite(path: .prefix(replacement), host: nil)
        let rig = try ConnectionRig([
            route(paths: prefixes.map { .prefix($0) }, rewrite: rewrite), Sample.cluster(),
        ])
        let id = try rig.exchange(get(target))
        #expect(rig.sent[id]?.hasPrefix("GET \(expected) HTTP/1.1\r\nHost: API.acme.test:8000\r\n") == true)
    }

    @Test(arguments: [
        (["/v1/{tenant}/orders/{id}"], "/o/{id}/of/{tenant}", "/v1/acme/orders/7?a=b", "/o/7/of/acme?a=b"),
        (["/{path+}"], "/x/{path}/", "/a/b/c", "/x/a/b/c/"),
        (["/{path+}"], "/x/{path}/y", "/a/b/", "/x/a/b/y"), (["/{path+}"], "/x/{path}", "/a/b/", "/x/a/b/"),
        (["/{a}/{b+}/{c}"], "/{c}/{b}/{a}", "/1/2/3/4", "/4/2/3/1"),
        (["/{a}/{b+}/{c}"], "/{c}/{b}/{a}", "/1/2/3", "/3/2/1"), (["/{id}/"], "/{id}", "/7/", "/7"),
        (["/a/{id}", "/{x}/{id}/c"], "/{id}", "/b/9/c", "/9"), (["/a/{id}"], "/fixed", "/a/1", "/fixed"),
    ])
    func `a path is put together of the template's parameters`(
        templates: [String], path: String, target: String, expected: String
    ) throws {
        let template = try #require(TextTemplate(path))
        let rewrite = Rewrite(path: .template(template), host: "orders.internal:8080")
        let rig = try ConnectionRig([
            route(paths: templates.map { .template($0) }, rewrite: rewrite), Sample.cluster(),
        ])
        let id = try rig.exchange(get(target))
        #expect(
            rig.sent[id]?.hasPrefix("GET \(expected) HTTP/1.1\r\nHost: orders.internal:8080\r\n") == true,
            "\(rig.sent[id] ?? "")")
        #expect(rig.sent[id]?.contains("\r\nX-Forwarded-Host: API.acme.test:8000\r\n") == true)
    }

    @Test func `what is rewritten is in normal form, whatever comes in`() throws {
        let rewrites: [(PathMatch, Rewrite.Path)] = [
            (.prefix("/"), .prefix("/in")),
            (.template("/{a}/{b+}"), .template(try #require(TextTemplate("/{b}/x/{a}")))),
        ]
        for (pattern, path) in rewrites {
            let rewrite = try GatewayRewrite(Rewrite(path: path, host: nil), paths: [pattern])
            for sent in ["/a/b", "/a//b/../c/d", "/%2e/a/%41b/c", "/a/b/", "/a;x/b%2fc", "/...a/.b", "/a/<>/b"] {
                var normaliser = PathNormaliser()
                let stage = ByteStage()
                Array(sent.utf8).withUnsafeBytes { bytes in
                    let outcome = normaliser.normalise(bytes)
                    _ = normaliser.withPath(outcome, of: bytes) { normal in
                        guard let made = rewrite.path(for: normal, host: bytes, in: stage) else { return }
                        var again = PathNormaliser()
                        let outcome = again.normalise(made)
                        let unchanged = again.withPath(outcome, of: made) { $0.elementsEqual(made) }
                        #expect(unchanged == true, "\(sent) \(String(decoding: made, as: UTF8.self))")
                    }
                }
            }
        }
    }

    @Test func `what does not go together is refused with the route's name`() {
        for resource in [
            route(paths: [.exact("/a")], rewrite: Rewrite(path: .prefix("/b"), host: nil)),
            route(paths: [.regex("/a")], redirect: Redirect(status: 302, location: TextTemplate("/{x}")!)),
        ] {
            do throws(GatewayConfiguration.Rejection) {
                _ = try GatewayConfiguration(Sample.snapshot([resource, Sample.cluster()]))
                Issue.record("It should be refused.")
            } catch {
                #expect(error.reasons.map(\.name.description) == ["route/acme/orders"])
            }
        }
    }
}
