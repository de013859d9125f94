// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeModel

/// One client that creates and updates services of its own, and remembers what it was promised.
///
/// What was answered 2xx must be there ever after. A request without an answer may have been carried out or not: the
/// client sends it again, as clients do. One write in eight creates something without a name of its own, which only an
/// idempotency key keeps from being there twice.
struct Writer {
    /// The label that counts a service's updates.
    static let label = "count"
    /// The label of a join token, by which it can be told from all others.
    static let onceLabel = "once"

    private let number: Int
    private let limit: Int
    private var random: SeededGenerator
    /// By name, the largest counter that was answered 2xx.
    private(set) var promised: [String: Int] = [:]
    /// By label, the secrets of join tokens that were answered 2xx.
    private(set) var once: [String: String] = [:]
    /// The label of a join token whose request has had no answer.
    private var open: String?
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
            let createsOnce = open != nil || Int.random(in: 0..<8, using: &random) == 0
            do {
                if createsOnce { try await createOnce(current) } else { try await writeOnce(current) }
            } catch is Unanswered {
                unanswered += 1
                current.connection.close()
                api = nil
            }
        }
    }

    private struct Unanswered: Error {}

    /// Creates a join token, with the same key until there is an answer.
    private mutating func createOnce(_ api: API) async throws {
        let label = open ?? "w\(number)-\(once.count)"
        open = label
        let body: JSON = ["kind": "gateway", "labels": .object(JSONObject([Writer.onceLabel: .string(label)]))]
        guard
            let answer = try? await api.send("POST", "/v1/join-tokens", body, idempotencyKey: "chaos-\(label)"),
            answer.status != 503
        else { throw Unanswered() }
        open = nil
        guard answer.status == 201, let secret = try? JSON.parse(String(buffer: answer.body))["token"]?.string else {
            return faults.append("\(label) was answered \(answer.status): \(String(buffer: answer.body).prefix(300))")
        }
        once[label] = secret
        answered += 1
    }

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
