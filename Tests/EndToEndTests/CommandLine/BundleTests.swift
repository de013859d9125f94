// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import turnpike

@Suite struct BundleTests {
    private func bundle(_ texts: String...) throws -> turnpike.Bundle {
        try turnpike.Bundle(
            texts.enumerated().flatMap { index, text in
                try BundleFiles.documents(in: text, origin: "file\(index + 1).yaml", isJSON: false)
            })
    }

    @Test(arguments: [
        "{kind: tenant, name: a}\n---\n{kind: tenant, name: b}",
        "- {kind: tenant, name: a}\n- {kind: tenant, name: b}",
        "resources: [{kind: tenant, name: a}, {kind: tenant, name: b}]",
        #"{"resources": [{"kind": "tenant", "name": "a"}, {"kind": "tenant", "name": "b"}]}"#,
    ])
    func `documents, lists and bundles say the same`(text: String) throws {
        let expected = #"{"resources":[{"kind":"tenant","name":"a"},{"kind":"tenant","name":"b"}]}"#
        #expect(try bundle(text).json.text == expected)
    }

    @Test func `several files make one bundle`() throws {
        let whole = try bundle("{kind: tenant, name: a}", "deletes: [{kind: tenant, name: b}]")
        let expected = #"{"resources":[{"kind":"tenant","name":"a"}],"deletes":[{"kind":"tenant","name":"b"}]}"#
        #expect(whole.json.text == expected)
    }

    @Test func `the labels to prune by come from the command line or from a file, not from both`() throws {
        let label = try #require(LabelArgument(argument: "set=demo"))
        var fromFlags = try bundle("{kind: tenant, name: a}")
        try fromFlags.prune(labels: [label])
        #expect(fromFlags.json["prune"] == ["labels": ["set": "demo"]])
        var fromFile = try bundle("{resources: [], prune: {labels: {set: demo}}}")
        #expect(throws: CommandFailure.self) { try fromFile.prune(labels: [label]) }
    }

    @Test(arguments: ["", "{}", "resources: []", "7", "resource: []", "resources: {kind: tenant}"])
    func `what holds no resources is refused before anything is sent`(text: String) {
        #expect(throws: CommandFailure.self) { try bundle(text) }
    }

    @Test func `a request's YAML is read as files are, and its faults named`() throws {
        let text = "{kind: tenant, name: a}\n---\ndeletes: [{kind: tenant, name: b}]"
        let expected = #"{"resources":[{"kind":"tenant","name":"a"}],"deletes":[{"kind":"tenant","name":"b"}]}"#
        #expect(try turnpike.Bundle.read(body: text).text == expected)
        for text in ["a: [", "a: 1\na: 2", "[1]: 2", "7", "", "resource: []", "- &a [1]\n- *b"] {
            #expect { try turnpike.Bundle.read(body: text) } throws: { ($0 as? TurnpikeError)?.code == .invalidYAML }
        }
    }

    @Test func `aliases do not make a small body large`() {
        let levels = (1...9).map { level in
            "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ",") + "]"
        }
        let text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + levels.joined(separator: "\n")
        #expect { try turnpike.Bundle.read(body: text) } throws: { ($0 as? TurnpikeError)?.code == .invalidYAML }
    }

    @Test func `a fault is named by file and resource`() throws {
        let whole = try bundle(
            "{kind: tenant, name: a}", "- {kind: quota, tenant: a, name: monthly}\n- {kind: route}",
            "deletes: [{kind: tenant, name: b}]", "deletes: [{kind: quota, tenant: c, name: q}]")
        let problem = Problem(
            status: 422,
            body: [
                "title": "The resource is not valid",
                "errors": [
                    ["pointer": "/resources/1/spec/limit", "detail": "'limit' is required."],
                    ["pointer": "/resources/2", "detail": "No name."],
                    ["pointer": "/prune/labels", "detail": "None."],
                    ["pointer": "/deletes/1/tenant", "detail": "No tenant."],
                    ["pointer": "/deletes/0", "detail": "Referenced."], ["pointer": "/deletes/2", "detail": "None."],
                ],
            ])
        #expect(
            whole.located(problem).faults.map(\.place) == [
                "file2.yaml, quota a/monthly: /spec/limit", "file2.yaml, route without a name", "/prune/labels",
                "file4.yaml, deletion of quota c/q: /tenant", "file3.yaml, deletion of tenant b", "/deletes/2",
            ])
    }
}
