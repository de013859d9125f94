// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// A ``RouteEntry`` taken apart, once, for all the tables that it comes to lie in: a table is made anew whenever one of its
/// routes changes, and to take patterns apart costs many times what laying them out does. Immutable, and shared by tables.
///
/// There may be very many, so what few of them have is in a place of its own.
final class PreparedEntry: Sendable {
    final class Fault: Error {
        /// The host, path or condition at fault.
        let pattern: String
        let reason: RouteTable.Fault.Reason

        init(_ pattern: String, _ reason: RouteTable.Fault.Reason) {
            self.pattern = pattern
            self.reason = reason
        }
    }

    private final class Conditions: Sendable {
        let program: ConditionProgram

        init(_ program: ConditionProgram) { self.program = program }
    }

    let entry: RouteEntry
    /// Each once.
    let hosts: [HostPattern]
    /// In the order of the entry's paths.
    let paths: [PathPlace]
    let methods: MethodSet
    /// Why no table can take it; `hosts` and `paths` say nothing then.
    let fault: Fault?
    private let conditions: Conditions?

    init(_ entry: RouteEntry) {
        self.entry = entry
        methods = MethodSet(names: entry.methods)
        do throws(Fault) {
            guard !entry.paths.isEmpty else { throw Fault("", .noPath) }
            let parts = (try Self.conditions(of: entry), try Self.hosts(of: entry), try Self.paths(of: entry))
            (conditions, hosts, paths, fault) = (parts.0, parts.1, parts.2, nil)
        } catch {
            (conditions, hosts, paths, fault) = (nil, [], [], error)
        }
    }

    private static func conditions(of entry: RouteEntry) throws(Fault) -> Conditions? {
        guard !entry.conditions.isEmpty else { return nil }
        do { return Conditions(try ConditionProgram(entry.conditions)) } catch {
            throw Fault(ConditionExpression.all(entry.conditions).description, error)
        }
    }

    private static func hosts(of entry: RouteEntry) throws(Fault) -> [HostPattern] {
        var hosts: [HostPattern] = []
        for host in entry.hosts {
            let pattern = HostPattern(host)
            guard pattern.isValid else { throw Fault(host, .badHost) }
            if !hosts.contains(pattern) { hosts.append(pattern) }
        }
        return hosts
    }

    private static func paths(of entry: RouteEntry) throws(Fault) -> [PathPlace] {
        var paths: [PathPlace] = []
        for path in entry.paths {
            do { paths.append(try PathPlace(path)) } catch { throw Fault(path.text, error) }
        }
        return paths
    }

    /// Whether all conditions hold.
    func holds(for facts: RequestFacts) -> Bool { conditions?.program.holds(for: facts) ?? true }

    /// Nil where all conditions hold.
    func failure(for facts: RequestFacts) -> ConditionFailure? { conditions?.program.failure(for: facts) }
}
