// SPDX-License-Identifier: Apache-2.0

/// Where a resource stands: kind, tenant (for kinds that have one) and name.
public struct ResourceKey: Sendable, Hashable, CustomStringConvertible {
    public var kind: Kind
    public var tenant: String?
    public var name: String

    public init(_ kind: Kind, tenant: String? = nil, name: String) {
        self.kind = kind
        self.tenant = tenant
        self.name = name
    }

    /// Without the kind, which would be hashed as its text: few keys of a tenant share a name, one for each kind at most.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(tenant)
        hasher.combine(name)
    }

    /// `route acme/orders`, for log and people.
    public var description: String { "\(kind.rawValue) \(tenant.map { "\($0)/" } ?? "")\(name)" }

    /// The path under which REST serves it, from `/v1` on.
    public var path: String {
        tenant.map { "/v1/tenants/\($0)/\(kind.plural)/\(name)" } ?? "/v1/\(kind.plural)/\(name)"
    }
}

/// A resource as of a revision: the envelope that all kinds share, and the kind's own spec.
///
/// A value that is copied for the price of a reference: on its way into the log, the view and the workers' streams a
/// resource is handed on some dozens of times, and changed never.
public struct Resource: Sendable {
    @usableFromInline var content: ResourceContent

    public init(
        key: ResourceKey, id: ResourceID, labels: Labels, spec: any ResourceSpec, revision: Revision,
        createdAt: Timestamp, updatedAt: Timestamp
    ) {
        content = ResourceContent(
            key: key, id: id, labels: labels, spec: spec, revision: revision, createdAt: createdAt,
            updatedAt: updatedAt)
    }

    @inlinable public var key: ResourceKey { content.key }
    @inlinable public var id: ResourceID { content.id }
    @inlinable public var createdAt: Timestamp { content.createdAt }

    @inlinable public var labels: Labels {
        get { content.labels }
        set { own().labels = newValue }
    }

    @inlinable public var spec: any ResourceSpec {
        get { content.spec }
        set { own().spec = newValue }
    }

    /// The revision that wrote this state.
    @inlinable public var revision: Revision {
        get { content.revision }
        set { own().revision = newValue }
    }

    @inlinable public var updatedAt: Timestamp {
        get { content.updatedAt }
        set { own().updatedAt = newValue }
    }

    public var idText: String { id.text(prefix: key.kind.idPrefix) }

    /// The content, to be changed: this value's alone from now on.
    @usableFromInline
    mutating func own() -> ResourceContent {
        if !isKnownUniquelyReferenced(&content) { content = content.copy() }
        return content
    }
}

/// A point in the log: every committed write transaction gets the next one. 0 is the empty state.
public typealias Revision = Int64

// MARK: - Documents

extension Resource {
    /// The fields of the envelope that only the server writes; clients may send them back with a document they read.
    static let serverFields = ["id", "revision", "createdAt", "updatedAt"]

    /// The document: for people as REST shows it, for storage with the digests that people never see.
    ///
    /// - Parameter more: writes what is to stand behind the resource's own fields.
    public func document(
        for audience: FieldWriter.Audience, and more: (inout FieldWriter) -> Void = { _ in }
    ) -> JSON {
        .object(
            FieldWriter.object(for: audience) { fields in
                writeDocument(to: &fields)
                more(&fields)
            })
    }

    /// The document as it is stored.
    public var storedText: String { String(decoding: documentText(for: .storage), as: UTF8.self) }

    /// The document as UTF-8 text.
    public func documentText(
        for audience: FieldWriter.Audience, _ layout: JSONLayout = .compact,
        and more: (inout FieldWriter) -> Void = { _ in }
    ) -> [UInt8] {
        FieldWriter.text(for: audience, layout) { fields in
            writeDocument(to: &fields)
            more(&fields)
        }
    }

    /// What of ``storedText`` is known before it is known when the resource is written.
    public var storedDraft: StoredDraft {
        let text = FieldWriter.text(for: .storage) { writeStart(to: &$0) }
        return StoredDraft(
            start: String(decoding: text.dropLast(), as: UTF8.self) + #","revision":"#,
            middle: #","createdAt":"\#(createdAt)","updatedAt":""#)
    }

    /// ``storedText``, for less where most of it is there.
    ///
    /// - Parameter draft: of this resource, as of whatever revision.
    public func storedText(from draft: StoredDraft) -> String {
        var text = draft.start
        text += "\(revision)"
        text += draft.middle
        text += updatedAt.description
        text += #""}"#
        return text
    }

    private func writeDocument(to fields: inout FieldWriter) {
        writeStart(to: &fields)
        fields.write("revision", revision)
        fields.write("createdAt", createdAt)
        fields.write("updatedAt", updatedAt)
    }

    private func writeStart(to fields: inout FieldWriter) {
        fields.write("id", idText)
        fields.write("tenant", key.tenant)
        fields.write("name", key.name)
        writeBody(to: &fields)
    }

    /// Whether both are one and the same value, handed on and never changed.
    public func isSame(as other: Resource) -> Bool { content === other.content }

    /// Whether both say the same: whether their bodies are equal, whatever the server adds to them.
    public func saysTheSame(as other: Resource) -> Bool { labels == other.labels && spec.equals(other.spec) }

    /// Only what a client may write, as people see it, without secrets: the body that would make this resource.
    public var publicBody: JSON { .object(FieldWriter.object(for: .people) { writeBody(to: &$0) }) }

    /// The spec as a bundle says it.
    public var bundleSpec: JSON { .object(FieldWriter.object(for: .bundle) { spec.write(to: &$0) }) }

    private func writeBody(to fields: inout FieldWriter) {
        spec.write(to: &fields)
        fields.write("labels", labels.json)
    }

    /// Reads a stored document.
    ///
    /// - Throws: `internalError` where the document does not fit its kind, which only a damaged or foreign file shows.
    public init(stored json: JSON, kind: Kind) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .storage)
        // In the order of `writeDocument`, in which each field is found at once.
        let id = ResourceID(text: fields.string("id"), prefix: kind.idPrefix)
        let tenant = kind.scope == .tenant ? fields.optionalString("tenant") : nil
        let name = fields.string("name")
        let spec = kind.spec.init(reading: &fields)
        let labels = fields.labels()
        let revision = fields.integer("revision", in: 1...Int64.max)
        let createdAt = fields.timestamp("createdAt")
        let updatedAt = fields.timestamp("updatedAt")
        fields.finish()
        guard fields.faults.isEmpty, let id, let createdAt, let updatedAt else {
            throw TurnpikeError(
                .internalError, "A stored \(kind.rawValue) cannot be read.", faults: fields.faults
            )
        }
        self.init(
            key: ResourceKey(kind, tenant: tenant, name: name), id: id, labels: labels, spec: spec, revision: revision,
            createdAt: createdAt, updatedAt: updatedAt
        )
    }
}

/// A stored document but for its revision and the time of its last change.
public struct StoredDraft: Sendable {
    fileprivate var start: String
    fileprivate var middle: String
}

/// What a client's body says: spec, labels and, where given, the name.
public struct ResourceBody: Sendable {
    public var name: String?
    public var labels: Labels
    public var spec: any ResourceSpec

    /// Reads and validates a body sent by a client.
    ///
    /// - Parameters:
    ///   - name: the name that the path gives, with which the body's must agree; `nil` where the body decides.
    ///   - tenant: likewise the tenant's name; `nil` where none is given.
    /// - Throws: `invalidResource` with every fault.
    public init(
        _ json: JSON, kind: Kind, name pathName: String?, tenant pathTenant: String? = nil,
        at pointer: JSONPointer = JSONPointer()
    )
        throws(TurnpikeError)
    {
        var fields = FieldReader(json, source: .request, at: pointer)
        Resource.serverFields.forEach { fields.ignore($0) }
        if kind.scope == .tenant, let tenant = fields.optionalString("tenant"), let pathTenant, tenant != pathTenant {
            fields.report(
                "tenant", .immutable,
                "'tenant' must be '\(pathTenant)', as in the path: resources stay in their tenant.")
        }
        if fields.has("name") {
            let name = fields.name("name")
            if let pathName, name != pathName {
                fields.report("name", .immutable, "'name' must be '\(pathName)', as in the path: names do not change.")
            }
            self.name = name
        } else {
            fields.ignore("name")
            self.name = pathName
            if pathName == nil, !kind.spec.isNameOptional { fields.report("name", .required, "'name' is required.") }
        }
        labels = fields.labels()
        spec = kind.spec.init(reading: &fields)
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}
