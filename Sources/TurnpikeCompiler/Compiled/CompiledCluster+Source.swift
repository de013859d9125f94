// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

extension CompiledCluster {
    init(_ resource: Resource, _ service: Service) {
        // A worker that does not know of zones can serve every service that does not ask for them.
        let mindsZones = service.loadBalancing?.localityAwareness != nil
        self.init(
            tenant: resource.key.tenant ?? "", name: resource.key.name, id: resource.id,
            endpoints: service.endpoints.map {
                Endpoint(host: $0.host, port: $0.port, weight: $0.weight, zone: mindsZones ? $0.zone : nil)
            },
            connectTimeout: service.connectTimeout, responseTimeout: service.responseTimeout,
            requestTimeout: service.requestTimeout, idleTimeout: service.idleTimeout,
            streamIdleTimeout: service.streamIdleTimeout, loadBalancing: service.loadBalancing,
            outlierDetection: service.outlierDetection,
            retries: service.retries, circuitBreakers: service.circuitBreakers, protocol: service.protocol,
            tls: service.tls, healthCheck: service.healthCheck, dnsRefreshRate: service.dnsRefreshRate
        )
    }
}
