// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension ServerConnection {
    /// Whether the request has shown the debug token: in `Turnpike-Debug`, once. The field never goes on to an upstream.
    func isDebugged(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let check = gateway.debugCheck, head.fields.count(of: .turnpikeDebug) == 1,
            let field = head.fields.first(.turnpikeDebug)
        else { return false }
        return check(bytes[field.value])
    }

    /// What becomes of the request and how long that took, for the operator who has shown the debug token; nil for everybody
    /// else. It may tell what other answers must not, such as addresses of endpoints.
    ///
    /// - Parameter refusal: where the request is refused.
    func debugReport(refusal: ErrorCode? = nil) -> String? {
        guard request.isDebugged else { return nil }
        var parts: [String] = []
        if let revision = request.revision { parts.append("revision=\(revision)") }
        if let route = request.route { parts.append("route=\(route.tenant)/\(route.name)") }
        if let key = request.key { parts.append("key=\(key.id.text(prefix: Kind.apiKey.idPrefix))") }
        parts.append("client=\(String(decoding: client.text, as: UTF8.self))")
        for (limit, remaining) in gateway.rateStates(from: origin.subject, context: request) {
            parts.append("rate=\(limit):\(remaining)")
        }
        for quota in request.limits?.quotas ?? [] { parts.append("quota=\(quota.name)") }
        parts.append("decision=\(decision(refusal))")
        if let service = request.service {
            parts.append("service=\(service.cluster.name)")
            if let place = request.place {
                parts.append("endpoint=\(service.endpoints[place].address.text)")
            }
        }
        if request.attempts > 0 { parts.append("attempts=\(request.attempts)") }
        if request.wasSent { parts.append("sent-ms=\(Self.millis(request.sentUpstreamAt - request.startedAt))") }
        if let duration = request.upstreamDuration { parts.append("upstream-ms=\(Self.millis(duration))") }
        parts.append("total-ms=\(Self.millis(gateway.now - request.startedAt))")
        return parts.joined(separator: "; ")
    }

    private func decision(_ refusal: ErrorCode?) -> String {
        if let refusal { return refusal.rawValue }
        return request.route?.answer == nil ? "forwarded" : "answered"
    }

    /// With three digits behind the point.
    private static func millis(_ nanoseconds: UInt64) -> String {
        let micros = nanoseconds / 1000
        let fraction = String(micros % 1000)
        return "\(micros / 1000)." + String(repeating: "0", count: 3 - fraction.utf8.count) + fraction
    }
}

extension ByteWriter {
    /// Bytes that `appendDebug` writes at most.
    static func debugBound(_ report: String?) -> Int { report.map { $0.utf8.count + 20 } ?? 0 }

    mutating func appendDebug(_ report: String?) {
        guard let report else { return }
        append("Turnpike-Debug: ")
        appendFieldText(report)
        append("\r\n")
    }
}
