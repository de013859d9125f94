// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

@testable import TurnpikeProxyCore

extension RouteTable {
    /// A table whose seed a test need not care about.
    convenience init(_ entries: RouteEntry...) throws { try self.init(entries, hashSeed: 42) }

    func lookup(_ method: String, _ host: String, _ path: String) -> Match {
        withFacts(method, host, path) { lookup($0) }
    }

    func explain(_ method: String, _ host: String, _ path: String) -> [Candidate] {
        withFacts(method, host, path) { explain($0) }
    }
}

private func withFacts<Result>(
    _ method: String, _ host: String, _ path: String, _ body: (RequestFacts) -> Result
) -> Result {
    Array(method.utf8).withUnsafeBytes { method in
        Array(host.utf8).withUnsafeBytes { host in
            Array(path.utf8).withUnsafeBytes { body(RequestFacts(method: method, host: host, path: $0)) }
        }
    }
}

/// A request with all that conditions look at.
struct TestRequest {
    var method = "GET"
    var host = "a.test"
    /// In normal form.
    var path = "/"
    var query: String?
    var fields: [(name: String, value: String)] = []
    var address: String?

    struct Malformed: Error {}

    /// The request as conditions see it.
    func withFacts<Result>(_ body: (RequestFacts) throws -> Result) throws -> Result {
        try withHead { head, bytes in
            try body(
                RequestFacts(
                    head, bytes, path: bytes[head.path], address: address.flatMap { IPAddress($0) },
                    scratch: ByteStage()))
        }
    }

    /// The request as gateways see it, by way of the parser.
    func withHead<Result>(_ body: (RequestHead, UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        var text = "\(method) \(path)\(query.map { "?\($0)" } ?? "") HTTP/1.1\r\nHost: \(host)\r\n"
        for field in fields { text += "\(field.name): \(field.value)\r\n" }
        return try Array((text + "\r\n").utf8).withUnsafeBytes { bytes in
            var parser = RequestParser()
            var head = RequestHead()
            guard case .complete = parser.parse(bytes, into: &head) else { throw Malformed() }
            return try body(head, bytes)
        }
    }
}

extension RouteEntry {
    /// An entry for one path of every host.
    init(
        _ index: Int, _ path: PathPattern, methods: [String] = [], priority: Int = 0,
        conditions: [ConditionExpression] = []
    ) {
        self.init(
            index: index, hosts: [], paths: [path], methods: methods, priority: priority, conditions: conditions)
    }
}
