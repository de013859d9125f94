// SPDX-License-Identifier: Apache-2.0

import Logging
import Testing
import TurnpikeTelemetry

@Suite struct RedactionTests {
    @Test(arguments: [
        "authorization", "Authorization", "Proxy-Authorization", "X-Api-Key", "apiKey", "key", "token", "joinToken",
        "operator_token", "credential", "upstreamCredentials", "client-secret", "password", "privateKey", "Set-Cookie",
    ])
    func `a key that names a secret hides its value`(key: String) {
        #expect(Redaction.isSensitive(key: key))
        #expect(Redaction.masked([key: "hunter2"]) == [key: "***"])
    }

    @Test(arguments: ["keyId", "tenant", "path", "tokens", "kind", "keys", "monkey", "requestId"])
    func `other keys keep their values`(key: String) {
        #expect(Redaction.masked([key: "v"]) == [key: "v"])
    }

    @Test(arguments: [
        ("used tp_live_abcXYZ019 twice", "used tp_live_*** twice"),
        ("tp_op_a,tp_join_b;tp_wrk_c", "tp_op_***,tp_join_***;tp_wrk_***"),
        ("ttp_live_secret", "ttp_live_***"),
        ("Bearer tp_op_0aA", "Bearer tp_op_***"),
        ("a tp_ and a tp_live of no secret", "a tp_ and a tp_live of no secret"),
        ("http://example.test/", "http://example.test/"),
        ("", ""),
    ])
    func `text that looks like one of our secrets is masked wherever it stands`(text: String, masked: String) {
        #expect(Redaction.masked(text) == masked)
    }

    @Test func `secrets are masked at any depth`() {
        let metadata: Logger.Metadata = [
            "headers": ["x-api-key": "v", "accept": "a"],
            "list": ["plain", "tp_wrk_abc", ["token": "t"]],
            "url": .stringConvertible(Described(description: "/?k=tp_live_abc")),
        ]
        #expect(
            Redaction.masked(metadata) == [
                "headers": ["x-api-key": "***", "accept": "a"],
                "list": ["plain", "tp_wrk_***", ["token": "***"]],
                "url": "/?k=tp_live_***",
            ]
        )
    }
}

private struct Described: CustomStringConvertible, Sendable {
    let description: String
}
