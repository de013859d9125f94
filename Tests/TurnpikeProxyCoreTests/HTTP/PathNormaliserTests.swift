// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore
import TurnpikeTestSupport

@Suite struct PathNormaliserTests {
    @Test(arguments: [
        "/", "/a", "/a/", "/v1/orders/7", "/a.b/c..d/e-_~!$&'()*+,;=:@", "/%20%25%3F%23%5B", "/caf%C3%A9", "/a/b.",
    ])
    func `a normal path is used as it is`(path: String) {
        var normaliser = PathNormaliser()
        #expect(normaliser.outcome(path) == .unchanged)
    }

    @Test(arguments: [
        ("", "/"), ("//", "/"), ("///a//b///", "/a/b/"), ("/.", "/"), ("/./", "/"), ("/a/.", "/a/"), ("/a/./b", "/a/b"),
        ("/a/..", "/"), ("/a/../", "/"), ("/a/../b", "/b"), ("/a/b/../../c", "/c"), ("/a//../b", "/b"),
        ("/a/b/..", "/a/"), ("/%2e", "/"), ("/a/%2E%2e/b", "/b"), ("/a/.%2e/b", "/b"), ("/%61%7a", "/az"),
        ("/%c3%a9", "/%C3%A9"), ("/%7euser", "/~user"), ("/.well-known/x", "/.well-known/x"), ("/...", "/..."),
        ("/..a/.b", "/..a/.b"), ("/a\"<>^`{|}b", "/a%22%3C%3E%5E%60%7B%7C%7Db"), ("/%7b", "/%7B"), ("/%252e", "/%252e"),
    ])
    func `a path is brought into its form`(path: String, expected: String) {
        var normaliser = PathNormaliser()
        #expect(normaliser.text(path) == expected)
    }

    @Test(arguments: [
        ("a", HTTPFault.badPath), ("*", .badPath), ("/a\\b", .badPath), ("/a?b", .badPath), ("/a b", .badPath),
        ("/a\tb", .badPath), ("/\u{7F}", .badPath), ("/\u{E9}", .badPath), ("/%", .badPercentEncoding),
        ("/%4", .badPercentEncoding), ("/%4g", .badPercentEncoding), ("/%%41", .badPercentEncoding),
        ("/%u0041", .badPercentEncoding), ("/a%2fb", .forbiddenEncodedCharacter),
        ("/a%5Cb", .forbiddenEncodedCharacter),
        ("/%00", .forbiddenEncodedCharacter), ("/%0d%0a", .forbiddenEncodedCharacter),
        ("/%7F", .forbiddenEncodedCharacter),
        ("/..", .pathAboveRoot), ("/../a", .pathAboveRoot), ("/a/../../b", .pathAboveRoot), ("//..", .pathAboveRoot),
        ("/%2e%2E/etc", .pathAboveRoot), ("/a/..;/b", .dotSegmentWithParameters), ("/.;x", .dotSegmentWithParameters),
    ])
    func `a path that could mean two things is refused`(path: String, fault: HTTPFault) {
        var normaliser = PathNormaliser()
        #expect(normaliser.outcome(path) == .fault(fault))
    }

    @Test(arguments: [
        ("/a%2fb", "/a%2Fb"), ("/a%2F%2fb/c", "/a%2F%2Fb/c"), ("/%2F", "/%2F"), ("/a%2fb/../c", "/c"),
        ("/a/./b%2Fc", "/a/b%2Fc"), ("/a%2F.b", "/a%2F.b"), ("/a..%2Fb", "/a..%2Fb"), ("/...%2Fb", "/...%2Fb"),
    ])
    func `encoded slashes can be kept, as text within a segment`(path: String, expected: String) {
        var normaliser = PathNormaliser()
        #expect(normaliser.text(path, keepingSlashes: true) == expected)
        #expect(normaliser.text(expected, keepingSlashes: true) == expected)
        #expect(normaliser.hasEncodedSlashes == expected.contains("%2F"))
        #expect(normaliser.text("/a", keepingSlashes: true) == "/a" && !normaliser.hasEncodedSlashes)
    }

    @Test(arguments: [
        "/..%2Fa", "/a%2f..", "/a/..%2f", "/a%2F.%2Fb", "/a%2F%2e%2E%2Fb", "/.%2F", "/a%2F..;x", "/..;x%2Fa", "/a%5Cb",
        "/a%2F%00",
    ])
    func `slashes beside what would be a dot segment are never kept`(path: String) {
        var normaliser = PathNormaliser()
        #expect(normaliser.text(path, keepingSlashes: true) == nil)
    }

    @Test(arguments: UInt64(0)..<500)
    func `who decodes slashes that were kept finds no dot segment`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let parts = ["/", "%2f", "%2F", ".", "..", "a", "%2e", ";x", "%41"]
        let path =
            "/"
            + (0..<Int.random(in: 0...14, using: &random)).map { _ in parts.randomElement(using: &random)! }.joined()
        var normaliser = PathNormaliser()
        guard let once = normaliser.text(path, keepingSlashes: true) else { return }
        #expect(normaliser.text(once, keepingSlashes: true) == once, "seed \(seed): \(path)")
        let segments = once.replacing("%2F", with: "/").split(separator: "/").map { $0.prefix { $0 != ";" } }
        #expect(!segments.contains(".") && !segments.contains(".."), "seed \(seed): \(path)")
    }

    @Test(arguments: UInt64(0)..<500)
    func `the form is a fixed point`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let parts = ["/", "/", "/", ".", "..", "a", "B7", "%2e", "%41", "%c3%a9", "%25", ";x", "~", "{", "%7B", "-"]
        let path =
            "/"
            + (0..<Int.random(in: 0...14, using: &random)).map { _ in parts.randomElement(using: &random)! }
            .joined()
        var normaliser = PathNormaliser()
        guard let once = normaliser.text(path) else { return }
        #expect(normaliser.text(once) == once, "seed \(seed): \(path)")
        #expect(once.hasPrefix("/") && !once.contains("//"), "seed \(seed): \(path)")
        let segments = once.split(separator: "/")
        #expect(!segments.contains(".") && !segments.contains(".."), "seed \(seed): \(path)")
    }
}

extension PathNormaliser {
    fileprivate mutating func outcome(_ path: String) -> Outcome {
        Array(path.utf8).withUnsafeBytes { normalise($0) }
    }

    fileprivate mutating func text(_ path: String, keepingSlashes: Bool = false) -> String? {
        let bytes = Array(path.utf8)
        return bytes.withUnsafeBytes { raw in
            let outcome = normalise(raw, keepingSlashes: keepingSlashes)
            return withPath(outcome, of: raw) { String(decoding: $0, as: UTF8.self) }
        }
    }
}
