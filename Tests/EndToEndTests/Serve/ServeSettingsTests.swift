// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import Testing
import TurnpikeControl
import TurnpikeTelemetry

@testable import turnpike

@Suite struct ServeSettingsTests {
    @Test func `nothing given means the defaults`() throws {
        let settings = try ServeSettings(flags: [:], environment: [:], file: nil)
        #expect(settings.listen == ListenAddress("127.0.0.1:8080"))
        #expect(settings.dataFolder == "./turnpike-data")
        #expect(settings.logFormat == .plain)
        #expect(settings.logLevel == .info)
        #expect(settings.bootstrapToken == nil && settings.sealingKeyFile == nil)
        #expect(settings.tenantLimits == TenantLimits())
    }

    @Test func `a flag stands over the environment, and that over the file`() throws {
        let file = #"{"listen": "127.0.0.1:1", "data": "/file", "log": {"format": "json", "level": "debug"}}"#
        let environment = [
            "TURNPIKE_LISTEN": "127.0.0.1:2", "TURNPIKE_DATA": "/environment", "TURNPIKE_BOOTSTRAP_TOKEN": "secret",
            "TURNPIKE_SEALING_KEY_FILE": "/run/secrets/sealing",
        ]
        let settings = try ServeSettings(flags: ["listen": "127.0.0.1:3"], environment: environment, file: file)
        #expect(settings.listen.port == 3)
        #expect(settings.dataFolder == "/environment")
        #expect(settings.logFormat == .json)
        #expect(settings.logLevel == .debug)
        #expect(settings.bootstrapToken == "secret")
        #expect(settings.sealingKeyFile == "/run/secrets/sealing")
    }

    @Test func `what one tenant may take can be set`() throws {
        let file = #"{"tenant": {"resources": "10", "requests": "5", "bundle": {"items": "20", "bytes": "4096"}}}"#
        let environment = ["TURNPIKE_TENANT_FEEDS": "3", "TURNPIKE_TENANT_BUNDLE_ITEMS": "30"]
        let limits = try ServeSettings(flags: [:], environment: environment, file: file).tenantLimits
        var expected = TenantLimits()
        (expected.resources, expected.requestsPerSecond, expected.feeds) = (10, 5, 3)
        (expected.bundleItems, expected.bundleBytes) = (30, 4096)
        #expect(limits == expected)
    }

    @Test(arguments: [
        ("RESOURCES", "0"), ("REQUESTS", "many"), ("BUNDLE_ITEMS", "200001"), ("BUNDLE_BYTES", "1"), ("FEEDS", "-1"),
    ])
    func `a limit of tenants that is no number in its range is refused`(key: String, value: String) {
        #expect(throws: ServeSettings.Fault.self) {
            try ServeSettings(flags: [:], environment: ["TURNPIKE_TENANT_\(key)": value], file: nil)
        }
    }

    @Test(arguments: ServeSettings.keys)
    func `the help tells every setting`(key: String) {
        let name = key.replacing(/[A-Z]/) { "_" + $0.output }.replacing(".", with: "_").uppercased()
        let help = ServeCommand.helpMessage(columns: 4000)
        #expect(help.contains("TURNPIKE_\(name)"))
    }

    @Test func `how long a shutdown may take is told`() throws {
        #expect(try ServeSettings(flags: [:], environment: [:], file: nil).drainTimeout == .seconds(10))
        let told = try ServeSettings(flags: [:], environment: ["TURNPIKE_DRAIN_TIMEOUT": "250ms"], file: nil)
        #expect(told.drainTimeout == .milliseconds(250))
        for text in ["0s", "25h", "soon"] {
            #expect(throws: ServeSettings.Fault.self) {
                try ServeSettings(flags: ["drainTimeout": text], environment: [:], file: nil)
            }
        }
    }

    @Test(arguments: [
        "", "[]", "{", #"{"listen": 8080}"#, #"{"log": {"colour": "red"}}"#, #"{"log": "json"}"#,
        #"{"listen": "nowhere"}"#, #"{"log": {"level": "loud"}}"#,
    ])
    func `a configuration file with a mistake is refused`(file: String) {
        #expect(throws: ServeSettings.Fault.self) { try ServeSettings(flags: [:], environment: [:], file: file) }
    }

    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1", 8080), ("localhost:0", "localhost", 0), ("[::1]:8080", "::1", 8080),
        ("0.0.0.0:65535", "0.0.0.0", 65535),
    ])
    func `an address is a host and a port`(text: String, host: String, port: Int) throws {
        let address = try #require(ListenAddress(text))
        #expect((address.host, address.port) == (host, port))
    }

    @Test(arguments: [
        "", "8080", ":8080", "localhost", "localhost:", "localhost:65536", "::1:8080", "localhost:+1", "[]:1",
    ])
    func `what is no address is refused`(text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test func `an IPv6 address is bracketed in a URL`() throws {
        #expect(try #require(ListenAddress("[::1]:0")).url(port: 81) == "http://[::1]:81")
    }
}

@Suite struct ContractFileTests {
    @Test func `the contract is where one is told, or beside or above the program`() {
        #expect(ContractFile.candidates(told: "/etc/x.yaml", program: "/usr/bin/turnpike") == ["/etc/x.yaml"])
        #expect(
            ContractFile.candidates(told: nil, program: "/usr/bin/turnpike") == [
                "/usr/share/turnpike/openapi.yaml", "/usr/openapi.yaml", "/openapi.yaml",
            ])
    }
}
