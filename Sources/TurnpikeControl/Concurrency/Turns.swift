// SPDX-License-Identifier: Apache-2.0

/// Elements that wait in a line for each tenant, and are taken in turns: one of each tenant that waits, then the next of
/// each. Within a line they keep their order. What belongs to no tenant waits in one more line.
///
/// Adding and taking cost the same however many wait.
struct Turns<Element> {
    private var lines: [String?: Line<Element>] = [:]
    /// The lines in which somebody waits; the first has its turn.
    private var order = Line<String?>()
    private(set) var count = 0

    func count(of tenant: String?) -> Int { lines[tenant]?.count ?? 0 }

    mutating func add(_ element: Element, of tenant: String?) {
        if lines[tenant] == nil { order.append(tenant) }
        lines[tenant, default: Line()].append(element)
        count += 1
    }

    /// Takes out whoever's turn it is.
    mutating func next() -> Element? {
        guard let tenant = order.popFirst(), let element = lines[tenant]?.popFirst() else { return nil }
        if lines[tenant]?.count == 0 { lines[tenant] = nil } else { order.append(tenant) }
        count -= 1
        return element
    }
}

/// First in, first out.
private struct Line<Element> {
    /// Up to `start` they have been taken out.
    private var elements: [Element?] = []
    private var start = 0

    var count: Int { elements.count - start }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard start < elements.count else { return nil }
        defer {
            elements[start] = nil
            start += 1
            // As many are moved as were taken out since the last time.
            if 2 * start >= elements.count {
                elements.removeFirst(start)
                start = 0
            }
        }
        return elements[start]
    }
}

extension Turns: Sendable where Element: Sendable {}
extension Line: Sendable where Element: Sendable {}
