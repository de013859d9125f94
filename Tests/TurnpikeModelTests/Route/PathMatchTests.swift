// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeModel

@Suite struct PathMatchTests {
    private func faults(_ template: String) -> [String] {
        var fields = FieldReader(["template": .string(template)], source: .request)
        _ = PathMatch(reading: &fields)
        fields.finish()
        return fields.faults.map { "\($0.pointer) \($0.rule.rawValue)" }
    }

    @Test(arguments: ["/a/{id}/b/{id2}", "/{a}/{A}", "/{a}/{b+}/{c}", "/a/a/{a}"])
    func `parameters of different names are taken`(template: String) {
        #expect(faults(template) == [])
    }

    @Test(arguments: ["/{id}/{id}", "/a/{id}/b/{x}/{id+}"])
    func `a template that gives two segments one name is refused`(template: String) {
        #expect(faults(template) == ["/template unique"])
    }
}
