// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@Suite struct FieldFilterTests {
    @Test(arguments: [
        (Kind.apiKey, "enabled", "false"), (.apiKey, "displayName", ""), (.apiKey, "name", "any"),
        (.apiKey, "hint", "tp_live_a"),
        (.quota, "limit", "5"), (.quota, "period", "month"), (.operator, "role", "viewer"),
        (.operator, "tenant", "acme"),
        (.certificate, "fingerprint", "00"), (.worker, "kind", "gateway"), (.policy, "interval", "1s"),
        (.route, "revision", "7"),
    ])
    func `a field that holds one value can be asked for a value it can have`(
        kind: Kind, name: String, value: String
    ) throws {
        let filter = try FieldFilter(name, value, kind: kind)
        #expect(filter.name == name && filter.value == value)
    }

    @Test(arguments: [
        (Kind.apiKey, "nope", "x", "no field"), (.apiKey, "routes", "orders", "list or an object"),
        (.apiKey, "labels", "tier:gold", "list or an object"), (.service, "endpoints", "", "list or an object"),
        (.route, "match", "1", "list or an object"), (.policy, "selector", "true", "list or an object"),
        (.certificate, "names", "api.acme.test", "list or an object"), (.certificate, "privateKey", "x", "no field"),
        (.apiKey, "key", "tp_live_x", "no field"), (.apiKey, "digest", "00", "no field"),
        (.worker, "status", "x", "no field"),
        (.operator, "lastUsedAt", "2026-03-01T12:00:00Z", "no field"), (.apiKey, "enabled", "yes", "true or false"),
        (.quota, "limit", "many", "an integer"), (.quota, "limit", "05", "an integer"),
        (.operator, "role", "boss", "one of"),
    ])
    func `what no document can have is refused, by name`(kind: Kind, name: String, value: String, says: String) throws {
        let error = try #require(throws: TurnpikeError.self) { try FieldFilter(name, value, kind: kind) }
        #expect(error.code == .invalidParameter)
        #expect(error.detail.contains("'\(name)'") && error.detail.contains(says), "\(error.detail)")
    }
}
