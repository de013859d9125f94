// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeWorker

@Suite struct DebugTokenTests {
    private func matches(_ token: DebugToken, _ text: String) -> Bool {
        Array(text.utf8).withUnsafeBytes { token.matches($0) }
    }

    @Test func `a token knows itself and nothing else`() throws {
        let token = try #require(DebugToken("0123456789abcdef"))
        #expect(matches(token, "0123456789abcdef"))
        for other in ["", "0123456789abcdeF", "0123456789abcde", "0123456789abcdef0"] {
            #expect(!matches(token, other))
        }
    }

    @Test(arguments: ["", "short", "with a space in it", "0123456789abcdef\n", String(repeating: "x", count: 257)])
    func `what is too short, too long, or no visible ASCII is no token`(text: String) {
        #expect(DebugToken(text) == nil)
    }

    @Test func `its text stays out of what is printed`() throws {
        let token = try #require(DebugToken("0123456789abcdef"))
        #expect(!"\(token)".contains("0123456789abcdef"))
    }
}
