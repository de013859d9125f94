// SPDX-License-Identifier: Apache-2.0

/// One piece of work within a trace, finished: what OpenTelemetry calls a span, as far as this product tells of it.
public struct Span: Sendable, Hashable {
    /// The numbers are those of OTLP's `SpanKind`.
    public enum Kind: Int64, Sendable {
        /// Answers a request that came from outside.
        case server = 2
        /// Makes a request to somebody else.
        case client = 3
    }

    public enum Value: Sendable, Hashable {
        case text(String)
        case number(Int64)
        case flag(Bool)
    }

    public struct Attribute: Sendable, Hashable {
        public var name: String
        public var value: Value

        public init(_ name: String, _ value: Value) {
            self.name = name
            self.value = value
        }
    }

    /// What went wrong; a span of which nothing is known to have gone wrong has no status at all.
    public struct Fault: Sendable, Hashable {
        /// For people; absent where the attributes say all.
        public var message: String?

        public init(message: String? = nil) { self.message = message }
    }

    public var traceID: TraceContext.TraceID
    /// Never zero.
    public var id: UInt64
    /// Absent where the trace begins with this span.
    public var parentID: UInt64?
    /// The parent is another process's.
    public var hasRemoteParent: Bool
    /// Of few different values, by which spans are grouped.
    public var name: String
    public var kind: Kind
    /// Nanoseconds since 1970.
    public var startedAt: UInt64
    public var endedAt: UInt64
    /// Each name once.
    public var attributes: [Attribute]
    public var fault: Fault?

    public init(
        traceID: TraceContext.TraceID, id: UInt64, parentID: UInt64?, hasRemoteParent: Bool, name: String, kind: Kind,
        startedAt: UInt64, endedAt: UInt64, attributes: [Attribute] = [], fault: Fault? = nil
    ) {
        self.traceID = traceID
        self.id = id
        self.parentID = parentID
        self.hasRemoteParent = hasRemoteParent
        self.name = name
        self.kind = kind
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.attributes = attributes
        self.fault = fault
    }
}
