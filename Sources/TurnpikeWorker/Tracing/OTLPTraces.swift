// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeTelemetry

/// Spans as OTLP/HTTP carries them in JSON: an `ExportTraceServiceRequest` of one resource and one scope, by OTLP's section "JSON
/// Protobuf Encoding". Ids are hexadecimal, 64-bit numbers strings, enumerations numbers, names in lowerCamelCase.
enum OTLPTraces {
    /// The text of a request's content.
    ///
    /// - Parameter resource: who tells of the spans.
    static func body(_ spans: [Span], from resource: [Span.Attribute]) -> JSON {
        let scope: JSON = ["name": "turnpike", "version": .string(workerVersion)]
        let scoped: JSON = ["scope": scope, "spans": .array(spans.map(json))]
        let whole: JSON = [
            "resource": ["attributes": .array(resource.map(json))],
            "scopeSpans": .array([scoped]),
        ]
        return ["resourceSpans": .array([whole])]
    }

    private static func json(_ span: Span) -> JSON {
        var object = JSONObject()
        object.append("traceId", .string(span.traceID.description))
        object.append("spanId", .string(TraceContext.hex(span.id)))
        if let parent = span.parentID { object.append("parentSpanId", .string(TraceContext.hex(parent))) }
        object.append("flags", .integer(flags(span)))
        object.append("name", .string(span.name))
        object.append("kind", .integer(span.kind.rawValue))
        object.append("startTimeUnixNano", .string(String(span.startedAt)))
        object.append("endTimeUnixNano", .string(String(span.endedAt)))
        object.append("attributes", .array(span.attributes.map(json)))
        if let fault = span.fault { object.append("status", .object(status(fault))) }
        return .object(object)
    }

    /// Sampled, and whether the parent is remote, which is known (`SpanFlags` of OTLP's trace.proto).
    private static func flags(_ span: Span) -> Int64 { 0x01 | 0x100 | (span.hasRemoteParent ? 0x200 : 0) }

    private static func status(_ fault: Span.Fault) -> JSONObject {
        var status = JSONObject()
        if let message = fault.message { status.append("message", .string(message)) }
        // STATUS_CODE_ERROR
        status.append("code", 2)
        return status
    }

    private static func json(_ attribute: Span.Attribute) -> JSON {
        let value: JSON =
            switch attribute.value {
            case .text(let text): ["stringValue": .string(text)]
            case .number(let number): ["intValue": .string(String(number))]
            case .flag(let flag): ["boolValue": .bool(flag)]
            }
        return ["key": .string(attribute.name), "value": value]
    }
}
