// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeTestSupport

/// A request as texts, and conditions in their plainest form. What ``ConditionProgram`` is measured by.
struct NaiveRequest {
    var method: String
    var host: String
    var path: String
    var headers: [(name: String, value: String)] = []
    var query: [(name: String, value: String)] = []
    var cookies: [(name: String, value: String)] = []
    var address: String?

    func fulfils(_ expression: ConditionExpression) -> Bool {
        switch expression {
        case .test(let test): fulfils(test)
        case .not(let inner): !fulfils(inner)
        case .all(let parts): parts.allSatisfy(fulfils)
        case .any(let parts): parts.contains(where: fulfils)
        }
    }

    private func fulfils(_ test: ConditionTest) -> Bool {
        let found = value(of: test.subject)
        let value = found ?? ""
        return switch test.relation {
        case .equals(let text): value == text
        case .isOneOf(let texts): texts.contains(value)
        case .startsWith(let text): value.hasPrefix(text)
        case .endsWith(let text): value.hasSuffix(text)
        case .contains(let text): value.contains(text)
        // The expressions of these tests mean the same to Swift.
        case .matches(let pattern): (try? Regex(pattern)).flatMap { value.wholeMatch(of: $0) } != nil
        case .exists: found != nil
        case .isWithin(let ranges):
            address.flatMap { IPAddress($0) }.map { ip in ranges.contains { $0.contains(ip) } } ?? false
        }
    }

    private func value(of subject: ConditionTest.Subject) -> String? {
        switch subject {
        case .header(let name): headers.first { $0.name.lowercased() == name }?.value
        case .query(let name): query.first { $0.name == name }?.value
        case .cookie(let name): cookies.first { $0.name == name }?.value
        case .method: method
        case .path: path
        case .host: host.lowercased()
        case .address: nil
        }
    }

    /// The same as bytes on the wire would have it, each text written in one of the ways in which it may be.
    func asSent(_ random: inout SeededGenerator) -> TestRequest {
        var fields = headers
        if !cookies.isEmpty {
            let pairs = cookies.map { "\($0.name)=\($0.value)" }
            if pairs.count > 1, Bool.random(using: &random) {
                fields.append(("Cookie", pairs[0]))
                fields.append(("cookie", pairs[1...].joined(separator: "; ")))
            } else {
                fields.append(("Cookie", pairs.joined(separator: "; ")))
            }
        }
        var parameters: [String] = []
        for (name, value) in query {
            parameters.append(encoded(name, &random) + (value.isEmpty ? "" : "=\(encoded(value, &random))"))
        }
        return TestRequest(
            method: method, host: host, path: path, query: query.isEmpty ? nil : parameters.joined(separator: "&"),
            fields: fields, address: address)
    }

    private func encoded(_ text: String, _ random: inout SeededGenerator) -> String {
        var result = ""
        for byte in text.utf8 {
            let isPlain = 0x61...0x7A ~= byte || byte == UInt8(ascii: "'")
            if isPlain, Int.random(in: 0..<4, using: &random) > 0 {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else if byte == 0x20, Bool.random(using: &random) {
                result += "+"
            } else {
                let digits = String(byte, radix: 16, uppercase: Bool.random(using: &random))
                result += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return result
    }

    static func random(_ random: inout SeededGenerator) -> NaiveRequest {
        var request = NaiveRequest(
            method: ["GET", "HEAD", "POST", "PURGE", "M-SEARCH"].randomElement(using: &random)!,
            host: ["a.test", "b.a.test", "c.b.a.test", "other", "A.TEST"].randomElement(using: &random)!,
            path: SomePath.random(&random))
        let values = ConditionTest.someValues
        for name in ["X-A", "x-b", "x-a"] where Bool.random(using: &random) {
            request.headers.append((name, values.randomElement(using: &random)!))
        }
        for name in ["q", "r s", "other", "q"] where Int.random(in: 0..<3, using: &random) == 0 {
            request.query.append((name, values.randomElement(using: &random)!))
        }
        for name in ["c", "cc", "d", "c"] where Int.random(in: 0..<3, using: &random) == 0 {
            request.cookies.append((name, ["a", "ab", "b", ""].randomElement(using: &random)!))
        }
        request.address = [nil, "10.1.2.3", "192.0.2.9", "2001:db8::1"].randomElement(using: &random)!
        return request
    }
}

/// Paths that patterns of the tests meet often.
enum SomePath {
    static func random(_ random: inout SeededGenerator) -> String {
        let segments = (0..<Int.random(in: 0...4, using: &random)).map { _ in
            ["a", "b", "c", "ac", "aba", "bc"].randomElement(using: &random)!
        }
        let path = "/" + segments.joined(separator: "/")
        return !segments.isEmpty && Int.random(in: 0..<5, using: &random) == 0 ? path + "/" : path
    }
}
