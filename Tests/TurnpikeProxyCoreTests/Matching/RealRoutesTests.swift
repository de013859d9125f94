// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeProxyCore
import TurnpikeTestSupport

/// The operations of over a hundred real HTTP APIs in one table.
@Suite struct RealRoutesTests {
    struct Operation {
        let host: String
        let method: String
        let path: String

        /// What makes two operations one place: names of parameters do not count.
        var shape: String {
            let segments = path.split(separator: "/", omittingEmptySubsequences: false).map { segment in
                segment.hasSuffix("+}") ? "{+}" : segment.hasPrefix("{") ? "{}" : String(segment)
            }
            return "\(method) \(host) \(segments.joined(separator: "/"))"
        }

        /// A path of this operation, with values that no literal has.
        func concretePath(_ random: inout SeededGenerator) -> String {
            path.split(separator: "/", omittingEmptySubsequences: false).map { segment in
                let value = "val-\(UInt32.random(in: 0...UInt32.max, using: &random))"
                if segment.hasSuffix("+}") { return Bool.random(using: &random) ? value : "\(value)/more/\(value)" }
                return segment.hasPrefix("{") ? value : String(segment)
            }.joined(separator: "/")
        }
    }

    static func operations() throws -> [Operation] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/real-routes.tsv")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst().map { line in
            let columns = line.split(separator: "\t").map(String.init)
            return Operation(host: "\(columns[0]).real.test", method: columns[1], path: columns[2])
        }
    }

    @Test func `every operation finds its own route, or one of the same shape`() throws {
        let operations = try Self.operations()
        #expect(operations.count == 4714)
        let table = try RouteTable(
            operations.enumerated().map { index, operation in
                RouteEntry(
                    index: index, hosts: [operation.host], paths: [.template(operation.path)],
                    methods: [operation.method]
                )
            },
            hashSeed: 1
        )
        var random = SeededGenerator(seed: 2024)
        for operation in operations {
            let path = operation.concretePath(&random)
            guard case .route(let index) = table.lookup(operation.method, operation.host, path) else {
                Issue.record("seed 2024: \(operation.method) \(operation.host) \(path) finds no route")
                continue
            }
            #expect(operations[index].shape == operation.shape, "seed 2024: \(path)")
        }
    }
}
