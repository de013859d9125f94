// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot

extension ControlPlane {
    /// Routes of one tenant and host that an explanation names at most.
    static let mostCandidates = 100
    /// Routes of a host that are looked at. The answer comes from a gateway's own configuration of them, which takes time
    /// in proportion.
    static let mostRoutes = 10_000

    /// What a gateway that serves by the newest revision would do with a request, found by the gateways' own matching.
    ///
    /// Routes and keys out of sight are as if they were not there. What a rate limit would say depends on the gateway, so
    /// the connected ones are asked; that adds half a second at most.
    ///
    /// - Throws: `malformedRequest` where no gateway would take such a host or path; `invalidParameter` where the host has
    ///   more than 10,000 routes; `storageFailed`.
    public func explain(
        _ request: ExplainRequest, for authority: Authority
    ) async throws(TurnpikeError) -> Explanation {
        let snapshot = publisher.snapshot(of: try candidates(for: request.host, authority))
        let matched = try await largeWork.run(if: snapshot.resources.count >= LargeWork.leastResources) {
            () throws(TurnpikeError) in
            do throws(HTTPFault) {
                return try Self.configuration(of: snapshot).explain(
                    .init(
                        method: request.method, host: request.host, target: request.path, fields: request.headers,
                        address: request.address, zone: request.zone))
            } catch { throw TurnpikeError(.malformedRequest, "A gateway refuses such a request: \(error.reason).") }
        }

        var explanation = Explanation(
            path: matched.path, route: nil,
            candidates: matched.candidates.filter { $0.verdict != .host }.prefix(Self.mostCandidates).map(\.explained))
        guard let best = matched.candidates.first, best.verdict == .selected,
            case .route(let route)? = snapshot.resources[
                CompiledName(.route, tenant: best.route.tenant, name: best.route.name)]
        else {
            explanation.refusal = matched.allow == nil ? .noRoute : .methodNotAllowed
            return explanation
        }
        explanation.route = ResourceKey(.route, tenant: route.tenant, name: route.name)
        try await explainPhases(of: route, request, matched, in: snapshot, &explanation)
        return explanation
    }

    /// The routes that say something about a host.
    private func candidates(for host: String, _ authority: Authority) throws(TurnpikeError) -> [ResourceKey] {
        var routes: Set<ResourceKey> = []
        for pattern in Set(Self.patterns(matching: host)) {
            let found = view.read { $0.routes(on: pattern, limit: Self.mostRoutes + 1) }
            routes.formUnion(found.filter { authority.sees(CollectionKey(of: $0)) })
            guard routes.count <= Self.mostRoutes else {
                throw TurnpikeError(
                    .invalidParameter,
                    "The host has more than \(Self.mostRoutes) routes; no request to it is explained.")
            }
        }
        return Array(routes)
    }

    /// The host itself, and the wildcards above it.
    private static func patterns(matching host: String) -> [String] {
        let name = String(host.lowercased().prefix { $0 != ":" })
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        return [name] + labels.indices.dropFirst().map { "*." + labels[$0...].joined(separator: ".") }
    }

    private static func configuration(of snapshot: Snapshot) throws(HTTPFault) -> GatewayConfiguration {
        do { return try GatewayConfiguration(snapshot) } catch {
            // Gateways refuse it too, and rollouts say why; nothing is served by it.
            throw .badTarget
        }
    }
}

extension GatewayConfiguration.Explanation.Candidate {
    fileprivate var explained: Explanation.Candidate {
        let (verdict, detail) =
            switch self.verdict {
            case .selected: ("selected", "The request goes here.")
            case .precedence: ("precedence", "It matches too; the selected route comes before it.")
            case .condition(let failure):
                ("condition", failure.test.sentence(holds: failure.held).capitalisedSentence)
            case .method: ("method", "Host and path match; it does not take the method.")
            case .path: ("path", "The host matches; no path of it does.")
            case .host: ("host", "No host of it matches.")
            }
        return .init(
            route: ResourceKey(.route, tenant: route.tenant, name: route.name), verdict: verdict, detail: detail)
    }
}

extension String {
    fileprivate var capitalisedSentence: String { prefix(1).uppercased() + dropFirst() + "." }
}
