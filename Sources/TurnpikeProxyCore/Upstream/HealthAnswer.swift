// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Reads what an endpoint answers to a question how it is, until it can be judged.
protocol HealthAnswer {
    /// Of the answer, once it is known.
    var status: Int? { get }

    /// Takes the next bytes.
    ///
    /// - Returns: the judgement; nil where more is needed.
    mutating func read(_ bytes: UnsafeRawBufferPointer) -> HealthProbe.Outcome?
}

/// An answer of HTTP, judged by its status once its head is whole.
struct HTTPHealthAnswer: HealthAnswer {
    /// Empty: any 2xx.
    private let good: [HealthCheck.Status]
    private(set) var status: Int?
    private var parser = ResponseParser()
    private var head = ResponseHead()
    private var held: [UInt8] = []

    init(good: [HealthCheck.Status]) { self.good = good }

    mutating func read(_ bytes: UnsafeRawBufferPointer) -> HealthProbe.Outcome? {
        held.append(contentsOf: bytes)
        while true {
            switch held.withUnsafeBytes({ parser.parse($0, answersHead: false, into: &head) }) {
            case .incomplete: return nil
            case .fault: return .bad(.malformed)
            case .complete(let length):
                held.removeFirst(length)
                guard !head.isInterim else { continue }
                status = head.status
                return isGood(head.status) ? .good : .bad(.status)
            }
        }
    }

    private func isGood(_ status: Int) -> Bool {
        good.isEmpty ? status / 100 == 2 : good.contains { $0.contains(status) }
    }
}
