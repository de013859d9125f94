// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore

@Suite struct HTTP2PrefaceTests {
    @Test(
        arguments: [
            ("", .undecided), ("P", .undecided), ("PRI", .undecided), ("PRI ", .isThere), ("PRI * HTTP/2.0", .isThere),
            ("G", .isNot), ("POST", .isNot), ("PR", .undecided), ("PROPFIND", .isNot), ("PRIX", .isNot),
            ("pri ", .isNot),
            ("\r\n", .isNot),
        ] as [(String, HTTP2Preface.Verdict)])
    func `the first bytes of a connection tell whether it speaks HTTP/2`(text: String, verdict: HTTP2Preface.Verdict) {
        #expect(Array(text.utf8).withUnsafeBytes { HTTP2Preface.judge($0) } == verdict)
    }
}
