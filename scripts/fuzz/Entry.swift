// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The target's name is in FUZZ_TARGET.
private let target: FuzzTarget = {
    guard let name = getenv("FUZZ_TARGET"), let target = FuzzTarget(rawValue: String(cString: name)) else {
        let known = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
        complain("FUZZ_TARGET must be one of \(known).")
        exit(2)
    }
    return target
}()

/// What libFuzzer calls with each input. A property that is broken ends the process, which is how libFuzzer is told, and it keeps
/// the input in a file.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        try target.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
    } catch {
        complain("Broken: \(error)")
        abort()
    }
    return 0
}

private func complain(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = write(STDERR_FILENO, line, line.count)
}
