// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// The body of `POST /v1/apply`, put together from documents, and the memory of where each of its resources came from.
///
/// A document is one resource `{kind, tenant, name, labels, spec}`, a list of them, or a whole bundle
/// `{resources: […], deletes: […], prune: {…}}`. What the resources say is the control plane's to check.
struct Bundle {
    private(set) var resources: [JSON] = []
    private(set) var deletes: [JSON] = []
    private(set) var prune: JSON?
    /// For each resource where it was written, and for each deletion.
    private var origins: [String] = []
    private var deletionOrigins: [String] = []

    init(_ documents: [BundleFiles.Document]) throws(CommandFailure) {
        for document in documents { try add(document) }
        guard !resources.isEmpty || !deletes.isEmpty || prune != nil else {
            throw .failed("There is nothing to apply in what was given.")
        }
    }

    private mutating func add(_ document: BundleFiles.Document) throws(CommandFailure) {
        switch document.json {
        case .array(let elements):
            for element in elements { add(element, document.origin) }
        case .object(let object) where object["kind"] != nil: add(document.json, document.origin)
        case .object(let object): try add(bundle: object, document.origin)
        default: throw .failed("\(document.origin) holds \(document.json.typeName) where resources are expected.")
        }
    }

    private mutating func add(_ resource: JSON, _ origin: String) {
        resources.append(resource)
        origins.append(origin)
    }

    private mutating func add(bundle: JSONObject, _ origin: String) throws(CommandFailure) {
        for member in bundle.members {
            switch (member.name, member.value) {
            case ("resources", .array(let elements)):
                for element in elements { add(element, origin) }
            case ("deletes", .array(let elements)):
                deletes += elements
                deletionOrigins += elements.map { _ in origin }
            case ("prune", .object) where prune == nil: prune = member.value
            default:
                throw .failed(
                    "\(origin): '\(member.name)' does not belong there. A document is a resource with a 'kind', a list of "
                        + "such, or an object with the lists 'resources' and 'deletes' and one 'prune'."
                )
            }
        }
    }

    /// Has everything deleted that carries the labels and is not in the bundle.
    mutating func prune(labels: [LabelArgument]) throws(CommandFailure) {
        guard !labels.isEmpty else { return }
        guard prune == nil else { throw .failed("A file already says what to prune; leave --prune out.") }
        var object = JSONObject()
        for label in labels { object[label.name] = .string(label.value) }
        prune = ["labels": .object(object)]
    }

    var json: JSON {
        .object(
            JSONObject([
                "resources": .array(resources), "deletes": deletes.isEmpty ? nil : .array(deletes), "prune": prune,
            ]))
    }

    /// The problem with its faults' pointers in the words of the files: `/resources/17/spec/limit` becomes
    /// `routes.yaml, quota acme/monthly: /spec/limit`.
    func located(_ problem: Problem) -> Problem {
        var problem = problem
        for index in problem.faults.indices {
            let parts = problem.faults[index].place.split(separator: "/", maxSplits: 2)
            guard parts.count >= 2, let place = Int(parts[1]), let what = title(of: parts[0], at: place) else {
                continue
            }
            problem.faults[index].place = what + (parts.count == 3 ? ": /\(parts[2])" : "")
        }
        return problem
    }

    /// `routes.yaml, route acme/orders`; `nil` where there is no such place.
    private func title(of list: Substring, at place: Int) -> String? {
        switch list {
        case "resources" where resources.indices.contains(place):
            "\(origins[place]), \(Bundle.title(of: resources[place]))"
        case "deletes" where deletes.indices.contains(place):
            "\(deletionOrigins[place]), deletion of \(Bundle.title(of: deletes[place]))"
        default: nil
        }
    }

    /// `route acme/orders`, as far as the resource says.
    private static func title(of resource: JSON) -> String {
        let kind = resource["kind"]?.string ?? "resource"
        let tenant = resource["tenant"]?.string.map { "\($0)/" } ?? ""
        return "\(kind) \(tenant)\(resource["name"]?.string ?? "without a name")"
    }
}
