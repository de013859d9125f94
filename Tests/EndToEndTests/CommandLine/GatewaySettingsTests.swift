// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxy
import TurnpikeWorker

@testable import turnpike_worker

@Suite struct GatewaySettingsTests {
    private func loops(
        flag: String? = nil, environment: String? = nil, file: String? = nil
    ) throws -> Int {
        try GatewaySettings(
            flags: flag.map { [.loops: $0] } ?? [:], environment: environment.map { ["TURNPIKE_LOOPS": $0] } ?? [:],
            file: file
        ).options.loops
    }

    @Test func `there is an event loop for each processor, unless somebody says otherwise`() throws {
        #expect(try loops() == GatewayOptions.automaticLoops)
        #expect(try loops(flag: "auto", environment: "3") == GatewayOptions.automaticLoops)
        #expect(try loops(flag: "5", environment: "3", file: #"{"loops": 2}"#) == 5)
        #expect(try loops(environment: "3", file: #"{"loops": 2}"#) == 3)
        #expect(try loops(file: #"{"loops": 2}"#) == 2)
        #expect(try loops(file: #"{"loops": "4"}"#) == 4)
    }

    @Test(arguments: ["0", "-1", "129", "two", "1.5"])
    func `what is no number of loops is refused`(text: String) {
        let fault = #expect(throws: GatewaySettings.Fault.self) { try loops(flag: text) }
        #expect(fault?.reason == "'\(text)' is no number of loops; it must be auto, or from 1 to 128.")
    }

    @Test func `traces go where the flag, the environment or the file says, of a share of requests`() throws {
        func tracing(
            _ flags: [GatewaySettings.Key: String], _ environment: [String: String] = [:], file: String? = nil
        ) throws -> GatewayWorkerOptions.Tracing? {
            try GatewaySettings(flags: flags, environment: environment, file: file).options.tracing
        }
        #expect(try tracing([:]) == nil)
        let collector = try #require(CollectorAddress("http://127.0.0.1:4318"))
        #expect(try tracing([.tracesTo: "http://127.0.0.1:4318/"]) == .init(collector: collector, share: 0))
        #expect(
            try tracing(
                [.traceSampling: "0.5"],
                ["TURNPIKE_TRACES_TO": "http://127.0.0.1:4318", "TURNPIKE_TRACE_SAMPLING": "0.2"])
                == .init(collector: collector, share: 0.5))
        #expect(
            try tracing([:], file: #"{"tracesTo": "http://127.0.0.1:4318", "traceSampling": 0.01}"#)
                == .init(collector: collector, share: 0.01))
        #expect(
            try tracing([:], file: #"{"tracesTo": "http://127.0.0.1:4318", "traceSampling": 1}"#)?.share == 1)
    }

    @Test func `certificates for upstreams come from a folder, with or without TLS for clients`() throws {
        func folder(_ flags: [GatewaySettings.Key: String], _ environment: [String: String] = [:]) throws -> String? {
            try GatewaySettings(flags: flags, environment: environment, file: nil).options.clientCertificates
        }
        #expect(try folder([:]) == nil)
        #expect(try folder([:], ["TURNPIKE_CLIENT_CERTIFICATES": "/etc/a"]) == "/etc/a")
        #expect(try folder([.clientCertificates: "/etc/b"], ["TURNPIKE_CLIENT_CERTIFICATES": "/etc/a"]) == "/etc/b")
    }

    @Test func `a gateway is in the zone that it is told, by a name`() throws {
        #expect(try GatewaySettings(flags: [:], environment: [:], file: nil).options.zone == nil)
        let settings = try GatewaySettings(flags: [:], environment: ["TURNPIKE_ZONE": "eu-a"], file: nil)
        #expect(settings.options.zone == "eu-a")
        let fault = #expect(throws: GatewaySettings.Fault.self) {
            try GatewaySettings(flags: [.zone: "eu/a"], environment: [:], file: nil)
        }
        #expect(fault?.reason.hasPrefix("The zone 'eu/a' must be") == true)
    }

    @Test(arguments: [
        (["tracesTo": "127.0.0.1:4318"], "'127.0.0.1:4318' is no collector's address, such as http://127.0.0.1:4318."),
        (["traceSampling": "1"], "traceSampling says how much of what goes to tracesTo: give both."),
        (
            ["tracesTo": "http://a:4318", "traceSampling": "1%"],
            "'1%' is no share of requests; it must be a number from 0 to 1."
        ),
        (
            ["tracesTo": "http://a:4318", "traceSampling": "1.5"],
            "'1.5' is no share of requests; it must be a number from 0 to 1."
        ),
    ])
    func `what makes no sense of traces is refused`(given: [String: String], reason: String) {
        let flags = Dictionary(
            uniqueKeysWithValues: given.compactMap { name, value in
                GatewaySettings.Key(rawValue: name).map { ($0, value) }
            })
        let fault = #expect(throws: GatewaySettings.Fault.self) {
            try GatewaySettings(flags: flags, environment: [:], file: nil)
        }
        #expect(fault?.reason == reason)
    }

    @Test func `numbers in the file are for what is a number`() {
        #expect(throws: GatewaySettings.Fault.self) { try loops(file: #"{"listen": 8000}"#) }
    }
}
