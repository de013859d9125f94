// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@Suite struct ResourceTests {
    @Test func `what is changed in a copy stays as it was in the other copies`() throws {
        let original = try Resource.fixture(Tenant.self, "acme", ["displayName": "Acme"], labels: ["tier": "gold"])
        var changed = original
        changed.labels["tier"] = "silver"
        changed.spec = try ResourceBody(["displayName": "Apex"], kind: .tenant, name: "acme").spec
        changed.revision = 7
        changed.updatedAt = Timestamp(seconds: 9)
        let further = changed
        changed.revision = 8

        #expect(original.labels == ["tier": "gold"] && original.revision == 1)
        #expect((original.spec as? Tenant)?.displayName == "Acme" && original.updatedAt == original.createdAt)
        #expect(further.labels == ["tier": "silver"] && further.revision == 7)
        #expect((further.spec as? Tenant)?.displayName == "Apex" && further.updatedAt == Timestamp(seconds: 9))
        #expect(changed.revision == 8 && changed.key == original.key && changed.id == original.id)
    }

    @Test func `kinds are ordered as they are declared, and tell keys apart`() {
        #expect(Kind.allCases.reversed().sorted() == Kind.allCases)
        let keys = Kind.allCases.map { ResourceKey($0, tenant: "acme", name: "n") }
        #expect(Set(keys).count == Kind.allCases.count && keys.allSatisfy(Set(keys).contains))
    }
}
