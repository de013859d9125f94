// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeTelemetry

/// What `deploy` asks Prometheus for is there to be asked for.
@Suite struct DashboardTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../..").standardized

    @Test(arguments: ["deploy/grafana/turnpike.json", "deploy/prometheus/alerts.yaml"])
    func `every metric that dashboard and alerts name is one that programs report`(file: String) throws {
        let text = try String(contentsOf: Self.root.appendingPathComponent(file), encoding: .utf8)
        let declared = try Self.declared().map(\.text)
        let named = text.matches(of: /turnpike_[a-z_]+/).map { String($0.output) }
        #expect(named.count >= 9)
        for name in Set(named) {
            #expect(declared.contains(name) || declared.contains(String(name.dropLast("_bucket".count))), "\(name)")
        }
    }

    /// A name that nobody registers is a panel that stays empty, and an alert that never comes.
    @Test func `every metric that has a name is registered by a program`() throws {
        let folder = Self.root.appendingPathComponent("Sources")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var registered: Set<String> = []
        for case let file as URL in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /(?:counter|gauge|histogram|count)\(\s*\.(\w+),/) {
                registered.insert(String(match.output.1))
            }
        }
        let declared = try Self.declared()
        #expect(declared.count >= 50)
        for (name, text) in declared { #expect(registered.contains(name), "\(text)") }
    }

    /// What is measured and shown nowhere helps nobody.
    @Test func `every metric that has a name stands in the dashboard`() throws {
        let dashboard = try String(
            contentsOf: Self.root.appendingPathComponent("deploy/grafana/turnpike.json"), encoding: .utf8)
        let named = Set(dashboard.matches(of: /turnpike_[a-z_]+/).map { String($0.output) })
        for (_, text) in try Self.declared() {
            #expect(named.contains(text) || named.contains(text + "_bucket"), "\(text)")
        }
    }

    @Test func `our names are in our namespace, and name no unit but a base unit`() throws {
        for (_, text) in try Self.declared() {
            #expect(try #/turnpike(_[a-z]+)+/#.wholeMatch(in: text) != nil, "\(text)")
            let wrong = ["_ms", "_milliseconds", "_kb", "_count", "_sum", "_bucket"].contains { text.hasSuffix($0) }
            #expect(!wrong, "\(text)")
        }
    }

    private static func declared() throws -> [(name: String, text: String)] {
        let source = root.appendingPathComponent("Sources/TurnpikeTelemetry/Metrics/MetricName.swift")
        return try String(contentsOf: source, encoding: .utf8)
            .matches(of: /static let (\w+): MetricName = "(turnpike_[a-z_]+)"/)
            .map { (String($0.output.1), String($0.output.2)) }
    }

    @Test func `every alert has one name and one expression`() throws {
        let file = Self.root.appendingPathComponent("deploy/prometheus/alerts.yaml")
        let keys = try String(contentsOf: file, encoding: .utf8).matches(of: #/(?m)^ +(- alert|expr): /#).map(
            \.output.1)
        #expect(keys.count >= 20 && keys.count % 2 == 0)
        for (place, key) in keys.enumerated() { #expect(key == (place % 2 == 0 ? "- alert" : "expr"), "\(place)") }
    }

    @Test func `the dashboard is JSON with panels that do not overlap`() throws {
        let data = try Data(contentsOf: Self.root.appendingPathComponent("deploy/grafana/turnpike.json"))
        let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let panels = try #require(json["panels"] as? [[String: Any]])
        var taken: Set<[Int]> = []
        for panel in panels {
            let place = try #require(panel["gridPos"] as? [String: Int])
            for x in 0..<(place["w"] ?? 0) {
                for y in 0..<(place["h"] ?? 0) {
                    #expect(
                        taken.insert([x + (place["x"] ?? 0), y + (place["y"] ?? 0)]).inserted, "\(panel["title"] ?? "")"
                    )
                }
            }
        }
    }
}
