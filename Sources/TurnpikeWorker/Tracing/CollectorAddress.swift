// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Where traces go: the base address of an OTLP/HTTP collector, to which `/v1/traces` is added, as OpenTelemetry's "Endpoint URLs
/// for OTLP/HTTP" has it for `OTEL_EXPORTER_OTLP_ENDPOINT`.
public struct CollectorAddress: Sendable, Hashable, CustomStringConvertible {
    /// As it was given, without a slash at the end.
    public let description: String

    /// Where spans are sent by POST.
    var tracesURL: String { description + "/v1/traces" }

    /// `nil` unless the text is an `http` or `https` URL with a host, and without query, fragment and credentials. It may have a
    /// path.
    public init?(_ text: String) {
        let base = text.hasSuffix("/") ? String(text.dropLast()) : text
        guard let url = URL(string: base), let scheme = url.scheme, ["http", "https"].contains(scheme),
            let host = url.host(), !host.isEmpty, url.query() == nil, url.fragment() == nil, url.user() == nil,
            url.password() == nil
        else { return nil }
        description = base
    }
}
