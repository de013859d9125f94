// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Many creations, updates and deletions that become one revision or none.
///
/// ```
/// {"resources": [{"kind": "route", "tenant": "acme", "name": "orders", "labels": {…}, "spec": {…}}, …],
///  "deletes":   [{"kind": "route", "tenant": "acme", "name": "old"}, …],
///  "prune":     {"labels": {"managed-by": "ci"}}}
/// ```
/// Tenants are named by name. Deleting what is not there is no fault, so that a bundle can be applied twice.
public struct Bundle: Sendable {
    /// Resources and deletions together.
    public static let maximumItems = 200_000

    struct Item: Sendable {
        var key: ResourceKey
        var labels: Labels
        var spec: any ResourceSpec
        /// The item's place in the bundle.
        var pointer: JSONPointer
        /// What it comes to, where that could be told before.
        var prepared: PreparedUpdate?
    }

    struct Deletion: Sendable {
        var key: ResourceKey
        var pointer: JSONPointer
    }

    /// In the order of kinds, so that what is referred to comes first.
    private(set) var items: [Item]
    let deletions: [Deletion]
    /// What carries all of these and is not in the bundle is deleted: whatever the tenants have that the bundle names
    /// (also a tenant that it holds itself), and resources without tenant, of the kinds that it holds. `nil`: nothing
    /// is.
    let pruneLabels: Labels?

    /// Reads and validates a bundle, spec by spec.
    ///
    /// - Throws: `invalidResource` with every fault of every item.
    public init(json: JSON) throws(TurnpikeError) {
        var reader = BundleReader()
        var fields = FieldReader(json, source: .request)
        let items = reader.items(in: &fields)
        let deletions = reader.deletions(in: &fields)
        pruneLabels = reader.pruneLabels(in: &fields)
        fields.finish()
        if items.count + deletions.count > Bundle.maximumItems {
            fields.report("resources", .length, "A bundle holds at most \(Bundle.maximumItems) items.")
        }
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
        self.items = items.sorted { $0.key.precedes($1.key) }
        self.deletions = deletions
    }
}

extension Bundle {
    /// The bundle as it may be stored.
    ///
    /// - Throws: `invalidResource` with every fault of every item.
    func taken(by intake: CertificateIntake) throws(TurnpikeError) -> Bundle {
        var taken = self
        var faults: [Fault] = []
        for (place, item) in items.enumerated() where item.key.kind == .certificate {
            let (spec, wrong) = intake.taken(item.spec, as: item.key, at: item.pointer.appending("spec"))
            taken.items[place].spec = spec
            faults += wrong
        }
        guard faults.isEmpty else { throw .invalid(faults) }
        return taken
    }

    /// Finds out what its updates come to, upon the newest state.
    mutating func prepare(upon view: SharedView) {
        for place in items.indices {
            let kind = items[place].key.kind
            guard kind.spec.credential == nil, kind != .worker, kind != .certificate,
                let existing = view.resource(items[place].key)
            else { continue }
            items[place].prepared = PreparedUpdate(
                of: existing, labels: items[place].labels, spec: items[place].spec)
        }
    }

    /// Items and deletions.
    var count: Int { items.count + deletions.count }
}

/// Reads the parts of a bundle and remembers which keys have been named.
private struct BundleReader {
    private var seen: Set<ResourceKey> = []

    mutating func items(in fields: inout FieldReader) -> [Bundle.Item] {
        let items = fields.list("resources", count: 0...Bundle.maximumItems) { item -> Bundle.Item? in
            let kind = item.knownKind()
            let key = kind.flatMap { item.key(of: $0) }
            let labels = item.labels()
            let json = item.take("spec") ?? .object(JSONObject())
            guard let kind else { return nil }
            let spec = item.spec(of: kind, in: json)
            guard let key, isNew(key, in: &item) else { return nil }
            return Bundle.Item(key: key, labels: labels, spec: spec, pointer: item.pointer)
        }
        return items.compactMap(\.self)
    }

    mutating func deletions(in fields: inout FieldReader) -> [Bundle.Deletion] {
        let deletions = fields.list("deletes", count: 0...Bundle.maximumItems) { item -> Bundle.Deletion? in
            guard let key = item.knownKind().flatMap({ item.key(of: $0) }), isNew(key, in: &item) else { return nil }
            return Bundle.Deletion(key: key, pointer: item.pointer)
        }
        return deletions.compactMap(\.self)
    }

    func pruneLabels(in fields: inout FieldReader) -> Labels? {
        fields.object("prune") { prune in
            let labels = prune.labels()
            if labels.isEmpty, prune.faults.isEmpty {
                prune.report("labels", .required, "'labels' must name at least one label.")
            }
            return labels
        }
    }

    private mutating func isNew(_ key: ResourceKey, in item: inout FieldReader) -> Bool {
        if seen.insert(key).inserted { return true }
        item.report([Fault(item.pointer, .unique, "The \(key) stands twice in the bundle.")])
        return false
    }
}

extension FieldReader {
    /// A kind that clients may write. Where it is unknown, the fields that hang on it cannot be judged.
    fileprivate mutating func knownKind() -> Kind? {
        let faultsBefore = faults.count
        let kind = choice("kind", Kind.self)
        guard faults.count == faultsBefore else {
            ignore("tenant", "name")
            return nil
        }
        if !kind.spec.isCreatedByClients {
            report("kind", .choice, "A \(kind.rawValue) cannot be written by clients.")
        }
        return kind
    }

    fileprivate mutating func key(of kind: Kind) -> ResourceKey? {
        let faultsBefore = faults.count
        var tenant: String?
        if kind.scope == .tenant {
            tenant = self.name("tenant")
        } else if take("tenant") != nil {
            report("tenant", .conflict, "A \(kind.rawValue) belongs to no tenant.")
        }
        let name = itemName(of: kind)
        return faults.count == faultsBefore ? ResourceKey(kind, tenant: tenant, name: name) : nil
    }

    /// A name that clients may choose, or the id that serves as name where they chose none: so documents that were read
    /// can be written back.
    private mutating func itemName(of kind: Kind) -> String {
        if let text = take("name")?.string, ResourceID(text: text, prefix: kind.idPrefix) != nil { return text }
        return self.name("name")
    }

    fileprivate mutating func spec(of kind: Kind, in json: JSON) -> any ResourceSpec {
        var fields = FieldReader(json, source: .request, at: pointer.appending("spec"))
        let spec = kind.spec.init(reading: &fields)
        fields.finish()
        report(fields.faults)
        return spec
    }
}
