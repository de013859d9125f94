// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeProxyCore

@Suite struct RouteTableFaultTests {
    typealias Reason = RouteTable.Fault.Reason

    @Test(arguments: [
        (PathPattern.exact(""), Reason.notAbsolute), (.exact("a"), .notAbsolute), (.prefix("v1"), .notAbsolute),
        (.template("{x}"), .notAbsolute), (.exact("/a//b"), .emptySegment), (.prefix("//"), .emptySegment),
        (.template("/a//{x}"), .emptySegment), (.exact("/a/../b"), .dotSegment), (.prefix("/."), .dotSegment),
        (.template("/%2e%2e/{x}"), .dotSegment), (.exact("/a?b"), .badCharacter), (.exact("/a b"), .badCharacter),
        (.exact("/a%2Fb"), .badCharacter), (.prefix("/%zz"), .badCharacter), (.exact("/a#b"), .badCharacter),
        (.template("/{}"), .badParameter), (.template("/{+}"), .badParameter), (.template("/{a"), .badParameter),
        (.template("/a}"), .badParameter), (.template("/}a{"), .badParameter), (.template("/{a}{b}"), .badParameter),
        (.template("/{a b}"), .badParameter), (.template("/{a+}.json"), .badParameter),
        (.template("/{a+}/{b+}"), .severalGreedyParameters),
        (.exact(String(repeating: "/a", count: 1025)), .tooManySegments),
        (.regex("/("), .badExpression(.unbalancedGroup)),
        (.regex("/(?=a)"), .badExpression(.unsupported("look-around or flags"))),
    ])
    func `a bad path names its entry and pattern`(path: PathPattern, reason: Reason) {
        let entries = [RouteEntry(1, .exact("/fine")), RouteEntry(2, path)]
        #expect(throws: RouteTable.Fault(index: 2, pattern: path.text, reason: reason)) {
            try RouteTable(entries, hashSeed: 1)
        }
    }

    @Test(arguments: ["", "*", "*.", "a.*", "*.*.test", "a:80", "a.test.", "a b", "a/b", "*a.test", "h\u{E9}.test"])
    func `a bad host is refused`(host: String) {
        #expect(throws: RouteTable.Fault(index: 7, pattern: host, reason: .badHost)) {
            try RouteTable([RouteEntry(index: 7, hosts: [host], paths: [.prefix("/")])], hashSeed: 1)
        }
    }

    @Test func `an entry without path is refused`() {
        #expect(throws: RouteTable.Fault(index: 7, pattern: "", reason: .noPath)) {
            try RouteTable([RouteEntry(index: 7, hosts: [], paths: [])], hashSeed: 1)
        }
    }

    @Test func `texts around parameters at one place are bounded`() {
        let entries = (0..<65).map { RouteEntry($0, .template("/{x}:verb\($0)")) }
        #expect(throws: RouteTable.Fault(index: 64, pattern: "/{x}:verb64", reason: .tooManyAffixes)) {
            try RouteTable(entries, hashSeed: 1)
        }
    }
}
