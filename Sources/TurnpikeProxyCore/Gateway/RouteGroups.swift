// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Routes that no selector can tell apart.
struct RouteGroup: Hashable, Sendable {
    /// Where a selector names the route, which then is by itself.
    let name: String?
    let labels: Labels

    func isSelected(by selector: RouteSelector) -> Bool {
        // No route has an empty name, so that no selector names it.
        selector.selects(route: name ?? "", labels: labels)
    }
}

/// The groups of one tenant's routes, each with a small number. A value: copies share what a change leaves alone.
struct RouteGroups: Sendable {
    private struct Members: Sendable {
        let group: RouteGroup
        var count: Int
    }

    private var numbers = ShardedMap<RouteGroup, Int>()
    /// By number; nil where a group was.
    private var members = PiecedArray<Members?>()
    private var slots = SlotAllocator()

    /// In the order of their numbers.
    var numbered: some Sequence<(Int, RouteGroup)> {
        members.values.enumerated().lazy.compactMap { number, members in members.map { (number, $0.group) } }
    }

    /// Counts one more route.
    mutating func join(_ group: RouteGroup) -> (number: Int, isNew: Bool) {
        if let number = numbers[group] {
            members[number]?.count += 1
            return (number, false)
        }
        let number = slots.take()
        let first = Members(group: group, count: 1)
        if number == members.count { members.append(first) } else { members[number] = first }
        numbers[group] = number
        return (number, true)
    }

    /// Counts one route less.
    ///
    /// - Returns: whether it was the last one; the number may be another group's from now on.
    mutating func leave(_ number: Int) -> Bool {
        guard let known = members[number] else { return false }
        guard known.count == 1 else {
            members[number]?.count -= 1
            return false
        }
        members[number] = nil
        numbers[known.group] = nil
        slots.giveBack(number)
        return true
    }
}
