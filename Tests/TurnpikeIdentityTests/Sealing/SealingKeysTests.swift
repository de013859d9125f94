// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeIdentity

@Suite struct SealingKeysTests {
    private let use = SealingKey.Use.certificate("api", tenant: "acme")

    @Test func `the first seals, and what former ones have sealed opens and is sealed anew`() throws {
        let (old, new) = (SealingKey(), SealingKey())
        let keys = SealingKeys(new, former: [old])
        let before = try old.seal("secret", for: use)
        #expect(try keys.open(before, for: use) == "secret")
        let after = try keys.sealedByFirst(before, for: use)
        #expect(try new.open(after, for: use) == "secret" && SealingKey.id(in: after) == new.id)
        #expect(try keys.sealedByFirst(after, for: use) == after)
        let foreign = try SealingKey().seal("secret", for: use)
        #expect(throws: SealingFault.self) { try keys.open(foreign, for: use) }
        #expect(throws: SealingFault.self) { try keys.sealedByFirst(foreign, for: use) }
        #expect(throws: SealingFault.self) { try keys.dropping(old.id).open(before, for: use) }
        #expect(keys.dropping(new.id).first.id == new.id)
    }

    @Test func `keys survive their text, in order, and there are eight at most`() throws {
        var keys = SealingKeys(SealingKey())
        while let rotated = keys.rotated() {
            #expect(rotated.former.map(\.id) == keys.all.map(\.id))
            keys = rotated
            #expect(SealingKeys(text: "\n" + keys.text + " \n")?.all.map(\.id) == keys.all.map(\.id))
        }
        #expect(keys.all.count == SealingKeys.most)
        let (key, half) = (SealingKey().text, String(SealingKey().text.prefix(32)))
        for text in ["", "\n", half, key + "\n" + half, key + "\n" + key, keys.text + key] {
            #expect(SealingKeys(text: text) == nil)
        }
        // A key by itself may be broken into lines, as before there could be more.
        #expect(SealingKeys(text: half + "\n" + half)?.all.count == 1)
    }
}
