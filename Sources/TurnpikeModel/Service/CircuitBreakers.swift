// SPDX-License-Identifier: Apache-2.0

/// How much of a service one event loop of a gateway takes at most. What is beyond is refused at once, with 503
/// `upstream-overloaded`: there is no queue, since who waits at a service that is full only makes it fuller. Absent: no bound.
public struct CircuitBreakers: Sendable, Hashable {
    /// Connections open or being made, to all endpoints together, 1 to 1,000,000. Idle ones count.
    public var maxConnections: Int?
    /// Requests whose connection is being made, 1 to 1,000,000.
    public var maxPendingRequests: Int?
    /// Requests in flight, 1 to 1,000,000.
    public var maxRequests: Int?
    /// Retries in flight, those that wait for their turn among them, 0 to 1,000,000. What is beyond is not tried again.
    public var maxRetries: Int?

    public init(
        maxConnections: Int? = nil, maxPendingRequests: Int? = nil, maxRequests: Int? = nil, maxRetries: Int? = nil
    ) {
        self.maxConnections = maxConnections
        self.maxPendingRequests = maxPendingRequests
        self.maxRequests = maxRequests
        self.maxRetries = maxRetries
    }

    public init(reading fields: inout FieldReader) {
        maxConnections = fields.optionalInteger("maxConnections", in: 1...1_000_000).map { Int($0) }
        maxPendingRequests = fields.optionalInteger("maxPendingRequests", in: 1...1_000_000).map { Int($0) }
        maxRequests = fields.optionalInteger("maxRequests", in: 1...1_000_000).map { Int($0) }
        maxRetries = fields.optionalInteger("maxRetries", in: 0...1_000_000).map { Int($0) }
    }

    public func write(to fields: inout FieldWriter) {
        if let maxConnections { fields.write("maxConnections", Int64(maxConnections)) }
        if let maxPendingRequests { fields.write("maxPendingRequests", Int64(maxPendingRequests)) }
        if let maxRequests { fields.write("maxRequests", Int64(maxRequests)) }
        if let maxRetries { fields.write("maxRetries", Int64(maxRetries)) }
    }
}
