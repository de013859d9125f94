// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@Suite struct LoadBalancingTests {
    private func service(_ loadBalancing: String) throws -> Service {
        let text = #"{"endpoints":[{"host":"a","port":80}],"loadBalancing":\#(loadBalancing)}"#
        return try #require(try ResourceBody(JSON.parse(text), kind: .service, name: "n").spec as? Service)
    }

    @Test(
        arguments: [
            ("{}", LoadBalancing(algorithm: .roundRobin)),
            (#"{"algorithm":"leastRequest"}"#, LoadBalancing(algorithm: .leastRequest)),
            (
                #"{"algorithm":"roundRobin","slowStart":"1m"}"#,
                LoadBalancing(algorithm: .roundRobin, slowStart: .seconds(60))
            ),
            (#"{"algorithm":"maglev","hashOn":"address"}"#, LoadBalancing(algorithm: .maglev, hashOn: .address)),
            (
                #"{"algorithm":"maglev","hashOn":{"header":"X-User"}}"#,
                LoadBalancing(algorithm: .maglev, hashOn: .header("X-User"))
            ),
            (
                #"{"algorithm":"maglev","hashOn":{"cookie":"session"}}"#,
                LoadBalancing(algorithm: .maglev, hashOn: .cookie("session"))
            ),
            (
                #"{"algorithm":"leastRequest","localityAwareness":{"minHealthyPercent":70}}"#,
                LoadBalancing(algorithm: .leastRequest, localityAwareness: .init(minHealthyPercent: 70))
            ),
        ])
    func `every way to balance is read, and written as it was`(text: String, expected: LoadBalancing) throws {
        let read = try #require(try service(text).loadBalancing)
        #expect(read == expected)
        let written = FieldWriter.object(for: .people) { read.write(to: &$0) }
        #expect(JSON.object(written) == (text == "{}" ? ["algorithm": "roundRobin"] : try JSON.parse(text)))
    }

    @Test(
        arguments: [
            (#"{"algorithm":"maglev"}"#, "/hashOn required"),
            (#"{"algorithm":"leastRequest","hashOn":"address"}"#, "/hashOn choice"),
            (#"{"hashOn":"address"}"#, "/hashOn choice"),
            (#"{"algorithm":"maglev","hashOn":"address","slowStart":"30s"}"#, "/slowStart choice"),
            (#"{"slowStart":"999ms"}"#, "/slowStart range"),
            (#"{"algorithm":"maglev","hashOn":"path"}"#, "/hashOn choice"),
            (#"{"algorithm":"maglev","hashOn":7}"#, "/hashOn choice"),
            (#"{"algorithm":"maglev","hashOn":{"header":"a","cookie":"b"}}"#, "/hashOn choice"),
            (#"{"algorithm":"maglev","hashOn":{"header":"a b"}}"#, "/hashOn/header format"),
            (#"{"algorithm":"maglev","hashOn":{"cookie":"a=b"}}"#, "/hashOn/cookie format"),
            (#"{"algorithm":"maglev","hashOn":{"header":""}}"#, "/hashOn/header length"),
            (#"{"algorithm":"maglev","hashOn":{"header":"a","path":"b"}}"#, "/hashOn/path unknown"),
            (#"{"localityAwareness":{"minHealthyPercent":0}}"#, "/localityAwareness/minHealthyPercent range"),
            (#"{"localityAwareness":{"minHealthyPercent":101}}"#, "/localityAwareness/minHealthyPercent range"),
            (#"{"localityAwareness":{"zone":"a"}}"#, "/localityAwareness/zone unknown"),
        ])
    func `what makes no sense is named`(text: String, expected: String) throws {
        let error = try #require(throws: TurnpikeError.self) { try service(text) }
        #expect(error.faults.map { "\($0.pointer) \($0.rule.rawValue)" } == ["/loadBalancing" + expected])
    }
}
