// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Puts one standard request through the engine so many times, with no socket, clock or thread: what `scripts/cost` counts the
/// instructions and allocations of. Or measures what applying changes takes (``ChangeApplication``). A program of its own, and not
/// a part of `turnpike-bench`, since valgrind cannot run all that is in there.
@main
struct CoreProgram {
    struct Usage: Error, CustomStringConvertible {
        let description =
            "Usage: turnpike-cost \(CoreCase.allCases.map(\.rawValue).joined(separator: "|")) REQUESTS, or: changes ROUNDS"
    }

    /// Ends with status 2 where it was not called as it should be, and with 1 where a request was not answered.
    static func main() {
        do {
            try run()
        } catch {
            let text = "\(error)\n"
            _ = write(2, text, text.utf8.count)
            exit(error is Usage ? 2 : 1)
        }
    }

    private static func run() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count == 2, let name = arguments.first, let count = arguments.last.flatMap({ Int($0) }),
            count >= 0
        else { throw Usage() }
        if name == "changes" { return try ChangeApplication.measure(rounds: max(count, 1)) }
        guard let subject = CoreCase(rawValue: name) else { throw Usage() }
        let exchange = try CoreExchange(subject)
        for _ in 0..<count { try exchange.serveOnce() }
    }
}
