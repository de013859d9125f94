// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import TurnpikeProxyCore

@Suite struct DateFieldTests {
    private func text(_ field: DateField) -> String? { written(capacity: DateField.size) { field.write(to: &$0) } }

    @Test(
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (253_402_300_800, "Fri, 31 Dec 9999 23:59:59 GMT"), (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] as [(Int64, String)])
    func `a date is written as HTTP has it`(second: Int64, expected: String) {
        #expect(text(DateField(Timestamp(seconds: second))) == "Date: \(expected)\r\n")
    }

    @Test func `it follows the clock by the second, both ways`() {
        var field = DateField(Timestamp(milliseconds: 784_111_777_999))
        #expect(text(field)?.contains(":37 GMT") == true)
        field.advance(to: Timestamp(milliseconds: 784_111_778_000))
        #expect(text(field)?.contains(":38 GMT") == true)
        field.advance(to: Timestamp(milliseconds: 784_111_777_000))
        #expect(text(field)?.contains(":37 GMT") == true)
    }
}
