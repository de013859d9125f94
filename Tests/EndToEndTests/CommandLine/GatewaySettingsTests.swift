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

    @Test func `numbers in the file are for what is a number`() {
        #expect(throws: GatewaySettings.Fault.self) { try loops(file: #"{"listen": 8000}"#) }
    }
}
