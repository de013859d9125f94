// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeWorker

@Suite struct AddressTests {
    @Test(arguments: [
        ("127.0.0.1:8000", "127.0.0.1", 8000), ("localhost:0", "localhost", 0), ("[::1]:65535", "::1", 65535),
        ("0.0.0.0:80", "0.0.0.0", 80),
    ])
    func `a host and a port are where to listen`(text: String, host: String, port: Int) {
        #expect(ListenAddress(text) == ListenAddress(host: host, port: port))
        #expect(ListenAddress(text)?.description == text)
    }

    @Test(arguments: [
        "", "8000", ":8000", "host", "host:", "host:x", "host:65536", "host:-1", "host:+1", "::1:80", "h:1:2",
    ])
    func `anything else is not`(text: String) { #expect(ListenAddress(text) == nil) }

    @Test(arguments: ["http://127.0.0.1:8080", "https://turnpike.example", "http://[::1]:8080", "http://host/"])
    func `a control plane is reached by scheme and host`(text: String) {
        #expect(ControlPlaneAddress(text)?.description == (text.hasSuffix("/") ? String(text.dropLast()) : text))
    }

    @Test(arguments: [
        "", "127.0.0.1:8080", "ftp://host", "http://", "http://host/path", "http://host?x=1", "http://user:pw@host",
        "http://host#x", "unix:/socket",
    ])
    func `and by nothing else`(text: String) { #expect(ControlPlaneAddress(text) == nil) }
}
