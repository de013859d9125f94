// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Synchronization
import TurnpikeTelemetry

/// Counts and times requests by operation. The registry is asked for each operation once: putting labels together costs more
/// than all else that a request is counted by.
final class OperationMetrics: Sendable {
    private struct Operation: Hashable {
        var method: HTTPRequest.Method
        var path: String?

        var label: String { "\(method.rawValue) \(path ?? "unknown")" }
    }

    private struct Handles: Sendable {
        /// By the first digit of the status.
        var requests: [Int: Counter] = [:]
        var duration: Histogram
    }

    private let registry: MetricsRegistry
    private let handles = Mutex<[Operation: Handles]>([:])

    init(_ registry: MetricsRegistry) { self.registry = registry }

    /// - Parameter path: as the contract writes it, so that what clients make up makes no series of its own; `nil` where
    ///   there is no such path.
    func note(_ method: HTTPRequest.Method, _ path: String?, status: HTTPResponse.Status, _ duration: Duration) {
        let operation = Operation(method: KnownMethods.all.contains(method) ? method : .other, path: path)
        let statusClass = status.code / 100
        let (requests, durations) = handles.withLock { handles in
            let known = handles[operation] ?? Handles(duration: histogram(of: operation))
            let requests = known.requests[statusClass] ?? counter(of: operation, statusClass)
            if known.requests[statusClass] == nil {
                handles[operation] = known
                handles[operation]?.requests[statusClass] = requests
            }
            return (requests, known.duration)
        }
        requests.increment()
        durations.observe(duration)
    }

    /// Counts a request that could not be read, among those of no known method and path.
    func noteUnread(status: HTTPResponse.Status) { note(.other, nil, status: status, .zero) }

    private func counter(of operation: Operation, _ statusClass: Int) -> Counter {
        registry.counter(
            .apiRequests, help: "Requests to the REST API, by operation and status class.",
            labels: [("operation", operation.label), ("status_class", "\(statusClass)xx")])
    }

    private func histogram(of operation: Operation) -> Histogram {
        registry.histogram(
            .apiRequestDuration, help: "Time to answer a request to the REST API, by operation.",
            labels: [("operation", operation.label)])
    }
}

extension HTTPRequest.Method {
    /// Stands for all that HTTP does not know.
    fileprivate static let other = HTTPRequest.Method("other")!
}
