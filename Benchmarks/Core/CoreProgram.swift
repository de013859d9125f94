// SPDX-License-Identifier: Apache-2.0

/// Puts one standard request through the engine so many times, with no socket, clock or thread: what `scripts/cost` counts the
/// instructions and allocations of. A program of its own, and not a part of `turnpike-bench`, since valgrind cannot run all that
/// is in there.
@main
struct CoreProgram {
    struct Usage: Error, CustomStringConvertible {
        let description =
            "Usage: turnpike-cost \(CoreCase.allCases.map(\.rawValue).joined(separator: "|")) REQUESTS"
    }

    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count == 2, let subject = arguments.first.flatMap(CoreCase.init(rawValue:)),
            let requests = arguments.last.flatMap({ Int($0) }), requests >= 0
        else { throw Usage() }
        let exchange = try CoreExchange(subject)
        for _ in 0..<requests { try exchange.serveOnce() }
    }
}
