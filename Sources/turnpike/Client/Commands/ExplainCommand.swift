// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOHTTP1
import TurnpikeModel

/// `turnpike explain URL`
struct ExplainCommand: AsyncParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show which route a request hits, which lost and why, and what the request must pass.",
        discussion: "Nothing is sent, counted or stored."
    )

    @Argument(help: "Host and path, such as api.acme.test/v1/orders/7; a scheme in front is passed over.")
    var url: String

    @Option(name: [.customShort("X"), .long], help: "The request's method.")
    var method = "GET"

    @Option(
        name: [.customShort("H"), .long], help: "A header of the request, as 'name: value'; may stand several times.")
    var header: [String] = []

    @Option(help: "The client's IP address.")
    var address: String?

    @Option(name: .shortAndLong, help: "The API key that the request brings, or its name.")
    var key: String?

    @Option(help: "The gateway's zone, for services that prefer endpoints of it.")
    var zone: String?

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let target = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        let slash = target.firstIndex(of: "/") ?? target.endIndex
        let path = target[slash...]
        var body = JSONObject([
            "method": .string(method), "host": .string(String(target[..<slash])),
            "path": .string(path.isEmpty ? "/" : String(path)),
        ])
        body["key"] = key.map { .string($0) }
        body["address"] = address.map { .string($0) }
        body["zone"] = zone.map { .string($0) }
        if !header.isEmpty { body["headers"] = .object(try fields()) }
        let answer = try await connection.connect().send(.POST, Target("explain"), body: .object(body)).body
        switch output.output {
        case .json: Terminal.standardOutput.write(answer.prettyText)
        case .table:
            let styled = Terminal.standardOutput.isStyled
            Terminal.standardOutput.write(ExplainCommand.text(of: answer, styled: styled))
            if let zones = Table(zonesOf: answer) { Terminal.standardOutput.write("\n" + zones.text(styled: styled)) }
        }
    }

    private func fields() throws -> JSONObject {
        var fields = JSONObject()
        for field in header {
            let parts = field.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ValidationError("'\(field)' must be a header as 'name: value'.")
            }
            fields[String(parts[0])] = .string(String(parts[1].drop { $0 == " " }))
        }
        return fields
    }

    private static func verdict(_ outcome: JSON) -> String {
        let status = outcome["status"]?.integer ?? 0
        if let code = outcome["code"]?.string { return "It is refused with \(status) (\(code))" }
        guard outcome["forwarded"]?.bool == true else {
            return "It is answered with \(status)" + (outcome["location"]?.string.map { ", to \($0)" } ?? "")
        }
        let path = outcome["path"]?.string.map { ", as \($0)" } ?? ""
        return "It is forwarded" + path + (outcome["host"]?.string.map { ", to the host \($0)" } ?? "")
            + (outcome["upgrade"]?.string.map { ", to switch to \($0)" } ?? "")
    }

    private static func text(of answer: JSON, styled: Bool) -> String {
        let verdict = verdict(answer["outcome"] ?? .null)
        let backends = (answer["backends"]?.array ?? []).compactMap { $0["service"]?.string }.joined(separator: ", ")
        var text = verdict + (backends.isEmpty ? "" : ", by the route's way to \(backends)") + ".\n\n"
        let candidates = answer["candidates"]?.array ?? []
        text += Table(
            [Table.Column(title: "route"), Table.Column(title: "verdict"), Table.Column(title: "why")],
            rows: candidates.map { candidate in
                [
                    "\(candidate["tenant"]?.string ?? "")/\(candidate["name"]?.string ?? "")",
                    Table.cell(candidate["verdict"]), candidate["detail"]?.string ?? "",
                ]
            }
        ).text(styled: styled)
        guard let steps = answer["steps"]?.array, !steps.isEmpty else { return text }
        text += "\n"
        return text
            + Table(
                [
                    Table.Column(title: "check"), Table.Column(title: "name"), Table.Column(title: "outcome"),
                    Table.Column(title: "detail"),
                ],
                rows: steps.map { step in
                    [
                        Table.cell(step["check"]), Table.cell(step["name"]), Table.cell(step["outcome"]),
                        step["detail"]?.string ?? "",
                    ]
                }
            ).text(styled: styled)
    }
}
