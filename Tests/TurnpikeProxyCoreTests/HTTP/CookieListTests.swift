// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

@Suite struct CookieListTests {
    @Test(
        arguments: [
            ("session=7", "7"), ("a=1; session=7; b=2", "7"), ("a=1;session=7 ;b=2", "7"), ("session=", ""),
            ("session=7; session=8", "7"), ("session=\"7\"", "\"7\""), ("session=a=b", "a=b"), (" session=7", "7"),
            ("Session=7", nil), ("session", nil), ("session =7", nil), ("xsession=7", nil), ("a=session=7", nil),
            ("", nil), (";;;", nil), ("session; a=1", nil),
        ] as [(String, String?)])
    func `a cookie is found by its name`(field: String, expected: String?) {
        let value = Array(field.utf8).withUnsafeBytes { field in
            Array("session".utf8).withUnsafeBytes { name in
                CookieList(field).value(of: name).map { String(decoding: $0, as: UTF8.self) }
            }
        }
        #expect(value == expected)
    }
}
