// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import TurnpikeControl

@Suite struct ExportTests {
    private func services(_ names: [String], port: Int64) -> JSON {
        [
            "resources": .array(
                names.map { name in
                    ["kind": "service", "tenant": "acme", "name": .string(name), "spec": Body.service(port: port)]
                })
        ]
    }

    @Test func `what is named by its id can be applied back, and is not made anew elsewhere`() async throws {
        let test = try await TestPlane.start()
        try await test.write(.create(.tenant, body: ["name": "acme"]))
        try await test.write(.create(.apiKey, tenant: "acme", body: ["name": "p"]))
        try await test.write(.create(.joinToken, body: ["kind": "gateway"]))
        let (resources, _) = try await test.plane.export(
            tenant: nil, kinds: [.apiKey, .joinToken], labels: [:], for: .system)
        let items = resources.map(\.bundleItem)
        #expect(items.count == 2)
        let again = try await test.apply(["resources": .array(items)])
        #expect(again.changes.isEmpty && again.unchanged == 2)
        let deletes = items.map { item -> JSON in
            guard case .object(var object) = item else { return item }
            (object["spec"], object["labels"]) = (nil, nil)
            return .object(object)
        }
        #expect(try await test.apply(["deletes": .array(deletes)]).changes.count == 2)
        let error = try await refusal { () throws(TurnpikeError) in try await test.apply(["resources": .array(items)]) }
        #expect(error.code == .invalidResource && error.pointers == ["/resources/1/name"])
    }

    @Test func `an export is of one revision, whatever is written meanwhile`() async throws {
        let test = try await TestPlane.start()
        try await test.write(.create(.tenant, body: ["name": "acme"]))
        // Several stretches lie between the first and the last.
        try await test.apply(services((0..<2000).map { "m\($0)" }, port: 1))
        let writer = Task {
            for port in 1...200 as ClosedRange<Int64> { try await test.apply(services(["a", "z"], port: port)) }
        }
        var (exports, isDone) = (0, false)
        while !isDone {
            isDone = test.plane.revision >= 203
            let (resources, revision) = try await test.plane.export(
                tenant: "acme", kinds: nil, labels: [:], for: .system)
            let ends = resources.filter { $0.key.name == "a" || $0.key.name == "z" }
            #expect(Set(ends.map(\.revision)).count <= 1 && ends.count != 1)
            #expect(ends.isEmpty || ends[0].revision == revision)
            #expect(resources.map(\.key.name).first == "acme")
            exports += 1
            await Task.yield()
        }
        try await writer.value
        #expect(exports > 1)
    }
}
