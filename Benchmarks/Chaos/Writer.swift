// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeModel

/// One client that creates and updates services of its own, and remembers what it was promised.
///
/// What was answered 2xx must be there ever after. A request without an answer may have been carried out or not: the
/// client sends it again, as clients do.
struct Writer {
    /// The label that counts a service's updates.
    static let label = "count"

    private let number: Int
    private let limit: Int
    private var random: SeededGenerator
    /// By name, the largest counter that was answered 2xx.
    private(set) var promised: [String: Int] = [:]
    private(set) var answered = 0
    private(set) var unanswered = 0
    /// Answers that no correct control plane gives.
    private(set) var faults: [String] = []

    /// - Parameter limit: services that it creates at most.
    init(number: Int, limit: Int, seed: UInt64) {
        self.number = number
        self.limit = limit
        random = SeededGenerator(seed: seed)
    }

    /// Writes until the flag says otherwise; goes on where the connection is lost.
    mutating func run(against controlPlane: ControlPlane, until stop: StopFlag) async throws {
        var api: API?
        while !stop.isSet {
            guard let current = api else {
                api = try? await controlPlane.connect()
                if api == nil { try await Task.sleep(for: .milliseconds(3)) }
                continue
            }
            do { try await writeOnce(current) } catch is Unanswered {
                unanswered += 1
                current.connection.close()
                api = nil
            }
        }
    }

    private struct Unanswered: Error {}

    private mutating func writeOnce(_ api: API) async throws {
        let creates = promised.count < limit && (promised.isEmpty || Int.random(in: 0..<4, using: &random) == 0)
        let service = creates ? promised.count : Int.random(in: 0..<promised.count, using: &random)
        let name = "w\(number)-\(service)"
        let counter = (promised[name] ?? 0) + 1
        var body = JSONObject([
            "endpoints": [["host": "127.0.0.1", "port": .integer(Int64(1 + counter % 65_000))]],
            "labels": .object(JSONObject([Writer.label: .string("\(counter)")])),
        ])
        let answer: Answer
        do {
            if creates {
                body["name"] = .string(name)
                answer = try await api.send("POST", "/v1/tenants/bench/services", .object(body))
            } else {
                answer = try await api.send("PUT", "/v1/tenants/bench/services/\(name)", .object(body))
            }
        } catch {
            throw Unanswered()
        }
        switch answer.status {
        case 200, 201:
            promised[name] = counter
            answered += 1
        // Created by a request whose answer was lost.
        case 409 where creates: promised[name] = counter
        // Shutting down, or the disk was in the way: nothing is promised.
        case 503: throw Unanswered()
        default: faults.append("\(name) was answered \(answer.status): \(String(buffer: answer.body).prefix(300))")
        }
    }
}
