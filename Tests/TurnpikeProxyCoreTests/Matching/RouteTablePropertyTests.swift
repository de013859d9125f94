// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
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
            let request = NaiveRequest.random(&random)
            let expected = naive.match(request)
            let (match, candidates) = try request.asSent(&random).withFacts { (table.lookup($0), table.explain($0)) }
            let context: Comment = "seed \(seed): \(request)"
            #expect(candidates.count == entries.count, context)
            switch match {
            case .route(let index):
                #expect(expected == .route(index), context)
                #expect(candidates.first == .init(index: index, verdict: .selected), context)
            case .methodNotAllowed:
                #expect(expected == .methodNotAllowed, context)
                #expect(candidates.first?.verdict == .method, context)
            case .notFound:
                #expect(expected == .notFound, context)
                #expect(candidates.allSatisfy { !$0.verdict.matches }, context)
            }
            for candidate in candidates {
                guard case .condition(let failure) = candidate.verdict else { continue }
                let conditions = try #require(entries.first { $0.index == candidate.index }).conditions
                #expect(!conditions.allSatisfy(request.fulfils), context)
                #expect(request.fulfils(.test(failure.test)) == failure.held, context)
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
            priority: Int.random(in: 0..<6, using: &random) == 0 ? Int.random(in: -1...2, using: &random) : 0,
            conditions: (0..<max(Int.random(in: -2...2, using: &random), 0)).map { _ in
                .random(depth: 2, using: &random)
            }
        )
    }

    private func randomPattern(_ random: inout SeededGenerator) -> PathPattern {
        switch Int.random(in: 0..<10, using: &random) {
        case 0...1: return .exact(SomePath.random(&random))
        case 2...3: return .prefix(SomePath.random(&random))
        case 4:
            return .regex(
                [
                    "/a/.*", "/[ab]+", "/.*", "/a(/[a-c])*", "/(a|b)/?c?", "/a/b/[a-c]+", "/a/b/c", "/b/.*/c",
                    "/a/a*(/b)?", ".*/b",
                ].randomElement(using: &random)!)
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
}

extension RouteTable.Candidate.Verdict {
    fileprivate var matches: Bool {
        switch self {
        case .selected, .precedence: true
        case .condition, .method, .path, .host: false
        }
    }
}
