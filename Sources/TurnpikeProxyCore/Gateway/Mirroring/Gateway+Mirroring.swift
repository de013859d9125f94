// SPDX-License-Identifier: Apache-2.0

extension Gateway {
    /// The services that get a copy of a request of the route, by lot.
    func drawMirrors(of route: GatewayRoute) -> [ServiceBalancer] {
        var services: [ServiceBalancer] = []
        for mirror in route.mirrors where random.next(upperBound: 100 as UInt64) < mirror.percent {
            services.append(balancers.service(of: mirror.cluster, &upstreams, now))
        }
        return services
    }

    /// Takes places among the copies under way.
    ///
    /// - Returns: false where there are not so many left.
    func reserveMirrors(_ count: Int) -> Bool {
        guard mirrorsUnderWay + count <= limits.mirrors else { return false }
        mirrorsUnderWay += count
        return true
    }

    /// The copy is whole: its exchanges are for the transport to begin, by ``takeMirror()``.
    func launch(_ copy: MirrorCopy) {
        for service in copy.services { waitingMirrors.append(MirrorExchange(copy, to: service, gateway: self)) }
    }

    /// A copy that is never sent.
    func drop(_ copy: MirrorCopy, _ outcome: MirrorOutcome) {
        for service in copy.services { endMirror(of: copy.route, to: service, outcome) }
    }

    /// Gives a place back and tells what has come of it.
    func endMirror(of route: GatewayRoute, to service: ServiceBalancer, _ outcome: MirrorOutcome) {
        mirrorsUnderWay -= 1
        observer?.mirrored(outcome, route: route, service: service.cluster.name)
    }

    /// A copy that is to be sent: the transport calls ``MirrorExchange/start()`` and does what that says. To be asked after
    /// each event, until there is none.
    public func takeMirror() -> MirrorExchange? { waitingMirrors.popLast() }
}
