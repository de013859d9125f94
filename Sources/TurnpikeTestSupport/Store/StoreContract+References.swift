// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeControl
import TurnpikeModel

extension StoreContract {
    static let references: [Clause] = [
        Clause("a reference to nothing is refused, until what it names is there") { store in
            var make = RecordMaker()
            let (tenant, other) = (try make.tenant("acme"), try make.tenant("other"))
            try await store.commit([make.creating(tenant, other, try make.service("other", "orders"))])
            var record = make.creating(try make.route("acme", "r", to: "orders"))
            let dangling = record
            await expectRefusal("a route to nowhere") { try await store.commit([dangling]) }
            record.changes.append(Change(before: nil, after: try make.service("acme", "orders")))
            try await store.commit([record])
            #expect(try await store.latestRevision() == 2)
        },

        Clause("what others refer to cannot be deleted alone") { store in
            var make = RecordMaker()
            let (tenant, service) = (try make.tenant("acme"), try make.service("acme", "orders"))
            let route = try make.route("acme", "r", to: "orders", "orders")
            try await store.commit([make.creating(tenant, service, route)])
            let alone = make.deleting(service)
            await expectRefusal("deleting a service with a route") { try await store.commit([alone]) }
            #expect(try await store.keys() == ["tenant acme", "service acme/orders", "route acme/r"])
            let both = make.deleting(service, route)
            try await store.commit([both])
            #expect(try await store.keys() == ["tenant acme"])
        },

        Clause("a reference that an update drops no longer holds") { store in
            var make = RecordMaker()
            let (tenant, old) = (try make.tenant("acme"), try make.service("acme", "old"))
            let route = try make.route("acme", "r", to: "old")
            try await store.commit([make.creating(tenant, old, route)])
            let new = try make.service("acme", "new")
            let turned = Resource(
                key: route.key, id: route.id, labels: [:], spec: try make.route("acme", "r", to: "new").spec,
                revision: 2, createdAt: route.createdAt, updatedAt: route.updatedAt
            )
            try await store.commit([
                make.record([
                    Change(before: route, after: turned), Change(before: old, after: nil),
                    Change(before: nil, after: new),
                ])
            ])
            #expect(try await store.keys() == ["tenant acme", "service acme/new", "route acme/r"])
            let gone = make.deleting(new)
            await expectRefusal("deleting the new service") { try await store.commit([gone]) }
        },

        Clause("resources live and die with their tenant") { store in
            var make = RecordMaker()
            let orphan = make.creating(try make.service("acme", "orders"))
            await expectRefusal("a service of no tenant") { try await store.commit([orphan]) }
            let (tenant, service) = (try make.tenant("acme"), try make.service("acme", "orders"))
            let route = try make.route("acme", "r", to: "orders")
            // What is referred to comes last here: a record is taken as a whole.
            try await store.commit([make.creating(route, service, tenant)])
            let alone = make.deleting(tenant)
            await expectRefusal("deleting a tenant with resources") { try await store.commit([alone]) }
            try await store.commit([make.deleting(tenant, service, route)])
            #expect(try await store.documents().isEmpty)
            let again = try make.tenant("acme")
            try await store.commit([make.creating(again), make.creating(try make.service("acme", "orders"))])
            #expect(try await store.keys() == ["tenant acme", "service acme/orders"])
        },

        Clause("a name is taken once within a kind and tenant, and free elsewhere") { store in
            var make = RecordMaker()
            try await store.commit([
                make.creating(
                    try make.tenant("x"), try make.tenant("y"), try make.service("x", "x"), try make.service("y", "x"),
                    try make.resource(.apiKey, tenant: "x", name: "x", [:]),
                    try make.resource(.operator, name: "x", [:])
                )
            ])
            let seconds = [
                try make.tenant("x"), try make.service("x", "x"), try make.resource(.operator, name: "x", [:]),
            ]
            for second in seconds {
                let record = make.creating(second)
                await expectRefusal("a second \(second.key)") { try await store.commit([record]) }
            }
            #expect(try await store.keys().count == 6)
        },

        Clause("a change that does not follow from what is stored is refused") { store in
            var make = RecordMaker()
            let (tenant, ghost) = (try make.tenant("acme"), try make.service("acme", "ghost"))
            try await store.commit([make.creating(tenant)])
            let deletion = make.deleting(ghost)
            await expectRefusal("deleting what is not there") { try await store.commit([deletion]) }
            let update = make.record([Change(before: ghost, after: make.relabelled(ghost, ["a": "b"]))])
            await expectRefusal("updating what is not there") { try await store.commit([update]) }
            #expect(try await store.latestRevision() == 1)
        },
    ]
}
