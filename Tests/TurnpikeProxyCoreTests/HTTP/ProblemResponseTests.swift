// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeModel
import TurnpikeProxyCore

@Suite struct ProblemResponseTests {
    static let id = RequestID(high: 0x0001_8F00_0000_0000, low: 77)

    @Test(arguments: ErrorCode.allCases)
    func `every code is a whole answer whose length is right`(code: ErrorCode) throws {
        let problem = ProblemResponse(
            code: code, detail: "say \"no\" to \\ and \u{1}\n, é", requestID: Self.id, keepAlive: true
        )
        let text = try #require(written(capacity: problem.sizeBound) { problem.write(to: &$0) })
        let response = ParsedResponse(text)
        #expect(response.head.status == code.status)
        let body = response.bytes.dropFirst(response.head.headLength)
        #expect(response.head.framing == .length(UInt64(body.count)))

        let json = try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
        #expect(json["type"] as? String == code.type)
        #expect(json["title"] as? String == code.title)
        #expect(json["status"] as? Int == code.status)
        #expect(json["detail"] as? String == problem.detail)
        #expect(json["requestId"] as? String == "\(Self.id)")
    }

    @Test func `a refusal tells when to come back and what is allowed`() throws {
        var problem = ProblemResponse(code: .rateLimited, detail: "100 per second", requestID: Self.id, keepAlive: true)
        problem.retryAfterSeconds = 2
        problem.rateLimit = RateLimitFields(
            policy: "bur\"st\r\n", limit: 100, windowSeconds: 1, remaining: 0, resetSeconds: 2
        )
        let text = try #require(written(capacity: problem.sizeBound) { problem.write(to: &$0) })
        let lines = headLines(text)
        #expect(lines[0] == "HTTP/1.1 429 The rate limit is exceeded")
        #expect(lines.contains("Content-Type: application/problem+json"))
        #expect(lines.contains("Retry-After: 2"))
        #expect(lines.contains(#"RateLimit-Policy: "bur_st__";q=100;w=1"#))
        #expect(lines.contains(#"RateLimit: "bur_st__";r=0;t=2"#))
        #expect(lines.contains("X-Request-Id: \(Self.id)"))
        #expect(!lines.contains { $0.hasPrefix("Connection") })
    }

    @Test func `the fields of 401 and 405 are there`() throws {
        var problem = ProblemResponse(code: .unauthenticated, detail: "", requestID: Self.id, keepAlive: false)
        problem.wwwAuthenticate = "Bearer"
        problem.allow = "GET, HEAD"
        let lines = headLines(try #require(written(capacity: problem.sizeBound) { problem.write(to: &$0) }))
        #expect(lines.contains("WWW-Authenticate: Bearer"))
        #expect(lines.contains("Allow: GET, HEAD"))
        #expect(lines.last == "Connection: close")
    }

    @Test func `HEAD gets the fields only`() throws {
        let problem = ProblemResponse(
            code: .noRoute, detail: "x", requestID: Self.id, keepAlive: true, clientMinorVersion: 0, answersHead: true
        )
        let text = try #require(written(capacity: problem.sizeBound) { problem.write(to: &$0) })
        #expect(text.hasSuffix("\r\n\r\n"))
        #expect(headLines(text).last == "Connection: keep-alive")
        #expect(!headLines(text).contains("Content-Length: 0"))
    }
}
