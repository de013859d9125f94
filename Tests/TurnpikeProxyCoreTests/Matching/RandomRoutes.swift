// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeTestSupport

// Routes that meet often, at places of all kinds.

extension RouteEntry {
    static func random(_ index: Int, _ random: inout SeededGenerator) -> RouteEntry {
        let hosts = ["a.test", "b.a.test", "*.a.test", "*.test", "*.b.a.test"].shuffled(using: &random)
        let methods = ["GET", "HEAD", "POST", "PURGE", "M-SEARCH"].shuffled(using: &random)
        return RouteEntry(
            index: index, hosts: Array(hosts.prefix(Int.random(in: 0...2, using: &random))),
            paths: (0..<Int.random(in: 1...2, using: &random)).map { _ in PathPattern.random(&random) },
            methods: Array(methods.prefix(Int.random(in: 0...2, using: &random))),
            priority: Int.random(in: 0..<6, using: &random) == 0 ? Int.random(in: -1...2, using: &random) : 0,
            conditions: (0..<max(Int.random(in: -2...2, using: &random), 0)).map { _ in
                .random(depth: 2, using: &random)
            }
        )
    }
}

extension PathPattern {
    static func random(_ random: inout SeededGenerator) -> PathPattern {
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
