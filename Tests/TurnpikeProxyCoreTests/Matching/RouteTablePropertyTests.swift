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
        let entries = (0..<Int.random(in: 1...40, using: &random)).map { RouteEntry.random($0, &random) }
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
}

extension RouteTable.Candidate.Verdict {
    fileprivate var matches: Bool {
        switch self {
        case .selected, .precedence: true
        case .condition, .method, .path, .host: false
        }
    }
}
