// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore
import TurnpikeTestSupport

/// The table against the plainest matcher there is, over random tables and requests.
@Suite struct RouteTablePropertyTests {
    @Test(arguments: UInt64(0)..<150)
    func `a table answers as the naive matcher does`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let entries = (0..<Int.random(in: 1...40, using: &random)).map { randomEntry($0, &random) }
        let table = try RouteTable(entries.shuffled(using: &random), hashSeed: seed)
        let naive = NaiveMatcher(entries: entries)
        for _ in 0..<120 {
            let host = ["a.test", "b.a.test", "c.b.a.test", "other", "A.TEST"].randomElement(using: &random)!
            let path = randomPath(&random)
            let method = ["GET", "HEAD", "POST", "PURGE", "M-SEARCH"].randomElement(using: &random)!
            let expected = naive.match(host: host, path: path, method: method)
            let context: Comment = "seed \(seed): \(method) \(host) \(path)"
            let candidates = table.explain(method, host, path)
            #expect(candidates.count == entries.count, context)
            switch table.lookup(method, host, path) {
            case .route(let index):
                #expect(expected == .route(index), context)
                #expect(candidates.first == .init(index: index, verdict: .selected), context)
            case .methodNotAllowed:
                #expect(expected == .methodNotAllowed, context)
                #expect(candidates.first?.verdict == .method, context)
            case .notFound:
                #expect(expected == .notFound, context)
                #expect(candidates.allSatisfy { $0.verdict == .path || $0.verdict == .host }, context)
            }
        }
    }

    private func randomEntry(_ index: Int, _ random: inout SeededGenerator) -> RouteEntry {
        let hosts = ["a.test", "b.a.test", "*.a.test", "*.test", "*.b.a.test"].shuffled(using: &random)
        let methods = ["GET", "HEAD", "POST", "PURGE", "M-SEARCH"].shuffled(using: &random)
        return RouteEntry(
            index: index, hosts: Array(hosts.prefix(Int.random(in: 0...2, using: &random))),
            paths: (0..<Int.random(in: 1...2, using: &random)).map { _ in randomPattern(&random) },
            methods: Array(methods.prefix(Int.random(in: 0...2, using: &random))),
            priority: Int.random(in: 0..<6, using: &random) == 0 ? Int.random(in: -1...2, using: &random) : 0
        )
    }

    private func randomPattern(_ random: inout SeededGenerator) -> PathPattern {
        switch Int.random(in: 0..<10, using: &random) {
        case 0...1: return .exact(randomPath(&random))
        case 2...3: return .prefix(randomPath(&random))
        case 4: return .regex(["/a/.*", "/[ab]+", "/.*", "/a(/[a-c])*", "/(a|b)/?c?"].randomElement(using: &random)!)
        default:
            let kinds = ["a", "b", "c", "{x}", "{y}", "{x}c", "a{x}", "{x}a"]
            var segments = (0..<Int.random(in: 1...4, using: &random)).map { _ in kinds.randomElement(using: &random)! }
            if Int.random(in: 0..<4, using: &random) == 0 {
                segments[Int.random(in: 0..<segments.count, using: &random)] = "{z+}"
            }
            if Int.random(in: 0..<6, using: &random) == 0 { segments.append("") }
            return .template("/" + segments.joined(separator: "/"))
        }
    }

    private func randomPath(_ random: inout SeededGenerator) -> String {
        let segments = (0..<Int.random(in: 0...4, using: &random)).map { _ in
            ["a", "b", "c", "ac", "aba", "bc"].randomElement(using: &random)!
        }
        let path = "/" + segments.joined(separator: "/")
        return !segments.isEmpty && Int.random(in: 0..<5, using: &random) == 0 ? path + "/" : path
    }
}
