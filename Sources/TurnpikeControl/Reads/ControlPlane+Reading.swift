// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

extension ControlPlane {
    /// One resource; `tenant` and `name` are names or ids.
    ///
    /// - Throws: `notFound`, naming what is missing or out of sight.
    public func resource(
        _ kind: Kind, tenant: String?, name: String, for authority: Authority
    ) throws(TurnpikeError) -> Resource {
        let collection = try view.collection(kind, tenant: tenant, for: authority)
        let key = view.read { $0.key(kind, tenant: collection.tenant, nameOrID: name) }
        if let resource = key.flatMap({ view.resource($0) }), authority.sees(resource) { return resource }
        try view.requireTenant(of: collection)
        throw .notFound(kind, tenant: collection.tenant, name: name)
    }

    /// Resources that one page looks at where there are filters.
    static let mostExamined = 4_000
    /// Documents that one page makes to look at their fields, which costs many times as much as a look at labels.
    static let mostDocuments = 1_000

    /// A page of what is in sight of a collection. Its cost follows the page; where there are filters, the resources that they
    /// skip too: after 4,000 of these, or 1,000 whose fields were looked at, the page ends, however few it has found, and the
    /// next one goes on.
    ///
    /// - Throws: `notFound` for an unknown tenant.
    public func list(
        _ kind: Kind, tenant: String?, _ query: ListQuery, for authority: Authority
    ) throws(TurnpikeError) -> ResourcePage {
        let collection = try view.collection(kind, tenant: tenant, for: authority)
        try view.requireTenant(of: collection)
        let limit = max(1, query.limit)
        let part = authority.part(of: collection)
        if query.labels.isEmpty, query.fields.isEmpty {
            let resources = view.read { $0.resources(in: part, after: query.after, limit: limit + 1) }
            return ResourcePage(resources, limit: limit)
        }
        var (found, examined, documents): ([Resource], Int, Int) = ([], 0, 0)
        var (last, isCut): (String?, Bool) = (nil, false)
        view.forEachResource(in: part, after: query.after) { resource in
            guard examined < Self.mostExamined, documents < Self.mostDocuments else {
                isCut = true
                return false
            }
            examined += 1
            last = resource.key.name
            guard resource.labels.satisfy(query.labels) else { return true }
            if !query.fields.isEmpty { documents += 1 }
            if query.fields.isEmpty || query.hasFields(resource) { found.append(resource) }
            return found.count <= limit
        }
        if isCut, found.count <= limit { return ResourcePage(resources: found, next: last) }
        return ResourcePage(found, limit: limit)
    }
}

extension ResourcePage {
    /// - Parameter found: one more than `limit` where there are more to come.
    fileprivate init(_ found: [Resource], limit: Int) {
        let page = Array(found.prefix(limit))
        self.init(resources: page, next: found.count > limit ? page.last?.key.name : nil)
    }
}

extension ListQuery {
    fileprivate func hasFields(_ resource: Resource) -> Bool {
        let document = resource.document(for: .people)
        return fields.allSatisfy { field in
            switch document[field.name] {
            case .string(let string): string == field.value
            case .integer(let integer): String(integer) == field.value
            case .bool(let bool): (bool ? "true" : "false") == field.value
            default: false
            }
        }
    }
}
