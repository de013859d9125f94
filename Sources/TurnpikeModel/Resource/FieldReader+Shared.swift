// SPDX-License-Identifier: Apache-2.0

// Fields that several kinds share are read and written in one place, so that they look alike everywhere.

extension FieldReader {
    /// What is kept of a credential. Clients cannot set it; the hint may come back with a document they have read.
    mutating func credential() -> (digest: String, hint: String) {
        switch source {
        case .storage: return (string("digest", default: ""), string("hint", default: ""))
        case .request:
            ignore("hint")
            return ("", "")
        }
    }
}

extension FieldWriter {
    mutating func writeCredential(digest: String, hint: String) {
        writeSecret("digest", .string(digest))
        // Never taken from clients.
        if audience != .bundle { write("hint", hint) }
    }
}

/// Which routes of its tenant a policy or quota is about: those named, and those that carry all the labels. Empty:
/// all routes.
public struct RouteSelector: Sendable, Hashable {
    public var routes: [String]
    public var labels: Labels

    public init(routes: [String] = [], labels: Labels = [:]) {
        self.routes = routes
        self.labels = labels
    }

    public var selectsAll: Bool { routes.isEmpty && labels.isEmpty }

    public func selects(route name: String, labels routeLabels: Labels) -> Bool {
        selectsAll || routes.contains(name) || (!labels.isEmpty && routeLabels.satisfy(labels))
    }

    public init(reading fields: inout FieldReader) {
        let selector = fields.object("selector") { selector in
            let routes = selector.strings("routes", count: 0...256) {
                Name.isValid($0) ? nil : "'\($0)' is not a route's name."
            }
            return (routes, selector.labels())
        }
        (routes, labels) = selector ?? ([], [:])
    }

    public func write(to fields: inout FieldWriter) {
        guard !selectsAll else { return }
        fields.write(
            "selector",
            .object(
                JSONObject([
                    "routes": routes.isEmpty ? nil : .array(routes.map { .string($0) }),
                    "labels": labels.isEmpty ? nil : labels.json,
                ])))
    }

    var references: [Reference] {
        let pointer = JSONPointer().appending("selector").appending("routes")
        return routes.enumerated().map { Reference(.route, $1, at: pointer.appending($0)) }
    }
}
