// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

extension CompiledCluster {
    init(_ resource: Resource, _ service: Service) {
        self.init(
            tenant: resource.key.tenant ?? "", name: resource.key.name, id: resource.id,
            endpoints: service.endpoints.map { Endpoint(host: $0.host, port: $0.port, weight: $0.weight) },
            connectTimeout: service.connectTimeout, responseTimeout: service.responseTimeout,
            requestTimeout: service.requestTimeout, loadBalancing: service.loadBalancing,
            outlierDetection: service.outlierDetection,
            retries: service.retries, circuitBreakers: service.circuitBreakers, protocol: service.protocol,
            tls: service.tls, healthCheck: service.healthCheck, dnsRefreshRate: service.dnsRefreshRate
        )
    }
}
