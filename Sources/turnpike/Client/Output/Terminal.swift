// SPDX-License-Identifier: Apache-2.0

import TurnpikeTelemetry

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where a command writes, and whether a person is looking.
struct Terminal: Sendable {
    static let standardOutput = Terminal(descriptor: STDOUT_FILENO)
    static let standardError = Terminal(descriptor: STDERR_FILENO)

    private let output: FileDescriptorOutput
    /// Whether bold and colour are welcome: on a terminal, unless `NO_COLOR` is set (no-color.org).
    let isStyled: Bool

    private init(descriptor: Int32) {
        output = FileDescriptorOutput(descriptor: descriptor)
        isStyled = isatty(descriptor) == 1 && getenv("NO_COLOR") == nil
    }

    func write(_ text: String) { output.write(text) }
}

/// How text stands out on a terminal (ECMA-48 SGR).
enum Style: String {
    case bold = "1"
    case red = "1;31"
    case green = "32"

    func applied(to text: String) -> String { "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" }
}
