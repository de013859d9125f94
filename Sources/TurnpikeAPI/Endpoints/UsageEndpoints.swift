// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import TurnpikeControl
import TurnpikeMetering
import TurnpikeModel

/// Usage reports and the state of quotas.
struct UsageEndpoints {
    let control: ControlPlane

    var all: [Endpoint] {
        [
            Endpoint(
                .get, "/v1/tenants/{tenant}/usage", .operators,
                parameters: ["from", "to", "groupBy", "bucket", "limit", "cursor", "minRevision"]
            ) { try await usage($0, $1) },
            Endpoint(.get, "/v1/tenants/{tenant}/quotas/{name}/state", .operators, parameters: ["key", "minRevision"]) {
                request, context in
                .json(
                    try await control.quotaState(
                        tenant: context.pathParameter("tenant"), quota: context.pathParameter("name"),
                        key: request.parameter("key"), for: context.authority
                    ).json)
            },
        ]
    }

    private func usage(_ request: Request, _ context: APIContext) async throws -> Response {
        let parameters = try UsageParameters(request, tenant: context.pathParameter("tenant"))
        let report = try await control.usage(parameters.reportRequest, for: context.authority)
        return .list(
            report.rows.map(\.json), next: report.next.map { parameters.path(after: $0, in: report) },
            fields: ["from": .string(report.from.description), "to": .string(report.to.description)])
    }
}

/// What a usage report is asked for.
struct UsageParameters {
    private(set) var reportRequest: UsageReportRequest
    private let path: String

    /// - Throws: `invalidParameter`, `invalidCursor`.
    init(_ request: Request, tenant: String) throws(TurnpikeError) {
        path = request.uri.path
        var dimensions: [UsageQuery.Dimension] = []
        for name in request.parameter("groupBy")?.split(separator: ",") ?? [] {
            guard let dimension = UsageQuery.Dimension(rawValue: String(name)), !dimensions.contains(dimension) else {
                throw TurnpikeError(
                    .invalidParameter, "'groupBy' must list key, route and statusClass, each once at most.")
            }
            dimensions.append(dimension)
        }
        let bucket = try request.parameter("bucket").map { text throws(TurnpikeError) in
            guard let bucket = CalendarBucket(rawValue: text) else {
                throw TurnpikeError(.invalidParameter, "'bucket' must be minute, hour, day or month.")
            }
            return bucket
        }
        reportRequest = UsageReportRequest(
            tenant: tenant, from: try request.timestamp("from"), to: try request.timestamp("to"), groupBy: dimensions,
            bucket: bucket, limit: try request.integer("limit", in: 1...1000, default: 100))
        if let text = request.parameter("cursor") {
            let cursor = try Cursor(text: text, question: question)
            guard let place = UsageRow.Place(cursor: cursor.place) else {
                throw TurnpikeError(.invalidCursor, "The cursor is damaged.")
            }
            reportRequest.after = place
        }
    }

    private var question: String {
        var parameters: [String] = []
        if let from = reportRequest.from { parameters.append("from=\(from)") }
        if let to = reportRequest.to { parameters.append("to=\(to)") }
        if !reportRequest.groupBy.isEmpty {
            parameters.append("groupBy=" + reportRequest.groupBy.map(\.rawValue).joined(separator: ","))
        }
        if let bucket = reportRequest.bucket { parameters.append("bucket=\(bucket.rawValue)") }
        return path + "?" + parameters.joined(separator: "&")
    }

    /// The next page's path. It names the window that this page had, so that "now" does not move between pages.
    func path(after place: UsageRow.Place, in report: UsageReport) -> String {
        var fixed = self
        fixed.reportRequest.from = report.from
        fixed.reportRequest.to = report.to
        let cursor = Cursor(place: place.cursor, question: fixed.question).text
        return fixed.question + "&limit=\(reportRequest.limit)&cursor=\(cursor)"
    }
}

extension UsageRow.Place {
    fileprivate var cursor: JSON {
        [
            .integer(Int64(bucket)), apiKey.map { .string($0.text(prefix: Kind.apiKey.idPrefix)) } ?? .null,
            route.map { .string($0.text(prefix: Kind.route.idPrefix)) } ?? .null,
            statusClass.map { .integer(Int64($0)) } ?? .null,
        ]
    }

    fileprivate init?(cursor: JSON) {
        guard let parts = cursor.array, parts.count == 4, let bucket = parts[0].integer, bucket >= 0 else { return nil }
        self.init(
            bucket: Int(bucket),
            apiKey: parts[1].string.flatMap { ResourceID(text: $0, prefix: Kind.apiKey.idPrefix) },
            route: parts[2].string.flatMap { ResourceID(text: $0, prefix: Kind.route.idPrefix) },
            statusClass: parts[3].integer.map { UInt8(clamping: $0) })
    }
}
