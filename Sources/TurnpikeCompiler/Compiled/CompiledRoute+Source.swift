// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

extension CompiledRoute {
    init(_ resource: Resource, _ route: Route, of tenant: ResourceID) {
        self.init(
            tenant: resource.key.tenant ?? "", name: resource.key.name, id: resource.id, tenantID: tenant,
            hosts: route.match.hosts, paths: route.match.paths,
            encodedSlashes: route.match.encodedSlashes, methods: route.match.methods, priority: route.priority,
            requiresKey: route.authentication.contains(.apiKey), maxContentBytes: route.maxContentBytes,
            backends: route.backends.map { Backend(cluster: $0.service, weight: $0.weight) },
            labels: resource.labels, headers: route.match.headers, query: route.match.query,
            condition: route.match.condition,
            redirect: route.redirect, respond: route.respond, rewrite: route.rewrite,
            stickiness: route.stickiness, mirrors: route.mirrors, upgrades: route.upgrades,
            requestHeaders: route.requestHeaders,
            responseHeaders: route.responseHeaders
        )
    }
}
