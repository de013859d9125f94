// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@Suite struct ProbeTests {
    @Test func `an answer survives the wire, also where nothing is known`() throws {
        let answer = ProbeAnswer(states: [.init(remaining: 0, resetAfterMillis: 1500), nil])
        #expect(try ProbeAnswer(json: JSON.parse(answer.json.text)) == answer)
        #expect(try ProbeAnswer(json: ["states": []]).states.isEmpty)
    }

    @Test(arguments: [
        #"{"states":7}"#, #"{"states":[{"remaining":-1,"resetAfterMillis":0}]}"#, #"{"states":[{"remaining":1}]}"#,
        #"{"states":[],"more":1}"#, #"{"states":[{"resetAfterMillis":1}]}"#, "{}",
    ])
    func `an answer that is not whole is refused`(_ text: String) throws {
        let json = try JSON.parse(text)
        #expect(throws: TurnpikeError.self) { try ProbeAnswer(json: json) }
    }
}
