// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxyCore

/// Whose gateway a watcher watches for.
protocol UpstreamWatcherOwner: AnyObject {
    /// Sets the gateway's time.
    func tick()
    /// Closes an idle upstream connection.
    func close(_ id: UpstreamID)
}

/// Looks up names and asks endpoints how they are, when the gateway of its loop wants it, whatever the transport. Confined to
/// the loop.
final class UpstreamWatcher {
    private let loop: any EngineLoop
    private let gateway: Gateway
    private let resolver: any NameResolver
    weak var owner: (any UpstreamWatcherOwner)?

    /// When it looks next; `.max` where that is not planned.
    private var wakesAt = UInt64.max
    /// Who waits for a look-up that is under way, by name.
    private var questions: [String: [([String]) -> Void]] = [:]
    private var probes: [ObjectIdentifier: ProbeRun] = [:]
    private var isStopped = false

    init(loop: any EngineLoop, gateway: Gateway, resolver: any NameResolver) {
        self.loop = loop
        self.gateway = gateway
        self.resolver = resolver
    }

    /// Does what there is to do and sees to it that what comes later is done. To be called after a change of configuration,
    /// once the gateway's time is set.
    func settle() {
        guard !isStopped else { return }
        for host in gateway.takeLookups() where questions[host] == nil { ask(host) }
        for probe in gateway.takeProbes() { run(probe) }
        guard let next = gateway.nextWatch, next < wakesAt else { return }
        wakesAt = next
        loop.schedule(at: next) { [weak self] in
            // What was planned before something sooner was is of no use any more.
            guard let self, wakesAt == next else { return }
            wakesAt = .max
            owner?.tick()
            settle()
        }
    }

    /// Asks nothing any more, and closes what is open.
    func stop() {
        isStopped = true
        let running = probes.values
        // Closing says nothing about an endpoint any more.
        probes = [:]
        for run in running { run.close() }
        questions.removeAll()
    }

    // MARK: - Names

    /// Where to connect to: at once where that is known, or else once the name was looked up.
    ///
    /// - Parameter done: gets addresses in numbers, none where there are none to be had.
    func addresses(of endpoint: EndpointAddress, _ done: @escaping ([String]) -> Void) {
        if let known = endpoint.numeric { return done(known) }
        guard !isStopped else { return done([]) }
        if questions[endpoint.host] == nil { ask(endpoint.host) }
        questions[endpoint.host]?.append(done)
    }

    private func ask(_ host: String) {
        questions[host] = []
        let watcher = LoopBound(self, on: loop)
        let (resolver, loop) = (resolver, loop)
        Task {
            let ips = (try? await resolver.addresses(of: host)) ?? []
            loop.execute { watcher.value.take(ips, for: host) }
        }
    }

    private func take(_ ips: [String], for host: String) {
        guard !isStopped else { return }
        owner?.tick()
        let waiting = questions.removeValue(forKey: host) ?? []
        for id in gateway.lookedUp(host, ips) { owner?.close(id) }
        for done in waiting { done(ips) }
        settle()
    }

    // MARK: - Probes

    private func run(_ probe: HealthProbe) {
        let run = ProbeRun(probe) { [weak self] run in
            guard let self, probes.removeValue(forKey: ObjectIdentifier(run)) != nil else { return }
            owner?.tick()
            gateway.probeEnded(probe)
            settle()
        }
        probes[ObjectIdentifier(run)] = run
        loop.schedule(at: probe.deadline) { [weak run] in run?.timedOut() }
        loop.open(run, to: probe.address)
    }
}

/// A question to an endpoint under way: between the transport, which moves its bytes, and the state machine that judges them.
/// Confined to the loop.
final class ProbeRun {
    private let probe: HealthProbe
    private let ended: (ProbeRun) -> Void
    /// Closes the connection, or gives up making it. Set by the transport.
    var whenClosed: (() -> Void)?

    /// - Parameter ended: called once, when there is an outcome.
    init(_ probe: HealthProbe, _ ended: @escaping (ProbeRun) -> Void) {
        self.probe = probe
        self.ended = ended
    }

    /// - Returns: what to send.
    func connected() -> [UInt8] {
        let request = probe.connected()
        settle()
        return request
    }

    func connectFailed() { take { $0.connectFailed() } }
    func received(_ bytes: UnsafeRawBufferPointer) { take { $0.received(bytes) } }
    func closed() { take { $0.closed() } }
    func timedOut() { take { $0.timedOut() } }

    /// Says nothing more to anybody.
    func close() {
        whenClosed?()
        whenClosed = nil
    }

    private func take(_ event: (HealthProbe) -> Void) {
        guard probe.outcome == nil else { return }
        event(probe)
        settle()
    }

    private func settle() {
        guard probe.outcome != nil else { return }
        close()
        ended(self)
    }
}
