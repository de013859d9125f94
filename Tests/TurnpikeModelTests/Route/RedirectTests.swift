// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@Suite struct RedirectTests {
    private func faults(_ location: String, paths: [PathMatch] = [.template("/a/{id}")]) -> [String] {
        var fields = FieldReader(["location": .string(location)], source: .request)
        _ = Redirect(reading: &fields, paths: paths)
        fields.finish()
        return fields.faults.map { "\($0.pointer) \($0.rule.rawValue)" }
    }

    @Test(arguments: [
        "https://new.acme.test", "https://new.acme.test{path}", "https://new.acme.test{path}{query}", "/x{path}",
        "https://new.acme.test:8443/v2{path}?from=old", "http://{host}{path}{query}", "https://{host}:8443/", "/x/{id}",
        "{path}", "{path}{query}", "/%C3%BC#part", "https://new.acme.test{query}", "https://[::1]/",
        "https://{host}{path}/",
    ])
    func `a location that leads where its author says is taken`(location: String) {
        #expect(faults(location) == (location.contains("[") ? ["/location format"] : []))
    }

    @Test(arguments: [
        "", "x", "//evil.test", "ftp://a.test", "javascript:alert(1)", "https://", "https://{id}.acme.test/",
        "https://acme.test{id}", "https://{path}", "https://a.test:0/", "https://a.test:99999/", "https://u@a.test/",
        "https://A.test/", "/{path}", "https://a.test/{path}", "{path}/", "/x?a=b{query}", "/{name}", "/{id", "/id}",
        "/{}",
        "/{{id}}", "/a b", "/\u{FC}", "/a\\b", "{id}", "{query}", "/a<b>", "/{query}{path}", "/{query}/{id}",
        "https://acme.test{query}{id}", "/a{query}b",
    ])
    func `a location that a request could turn elsewhere, or that is none, is refused`(location: String) {
        #expect(faults(location).count == 1)
    }

    @Test func `a parameter must be one of every path`() {
        #expect(faults("/{id}", paths: [.template("/a/{id}"), .template("/b/{id+}/c")]) == [])
        #expect(faults("/{id}", paths: [.template("/a/{id}"), .template("/b/{x}")]) == ["/location format"])
        #expect(faults("/{id}", paths: [.template("/a/{id}"), .prefix("/b")]) == ["/location format"])
    }

    @Test func `a body has at most 16 KiB, counted in bytes`() {
        func faults(_ body: String) -> [String] {
            var fields = FieldReader(["body": .string(body)], source: .request)
            _ = DirectResponse(reading: &fields)
            return fields.faults.map { "\($0.pointer) \($0.rule.rawValue)" }
        }
        #expect(faults(String(repeating: "\u{FC}", count: 8192)) == [])
        #expect(faults(String(repeating: "\u{FC}", count: 8192) + "x") == ["/body length"])
    }
}
