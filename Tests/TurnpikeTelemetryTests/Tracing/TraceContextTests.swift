// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTelemetry

@Suite struct TraceContextTests {
    /// The example of the recommendation, section 3.2.
    private let example = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test func `a header is read and written as it was`() throws {
        let context = try #require(TraceContext(header: example))
        #expect(context.traceID.description == "0af7651916cd43dd8448eb211c80319c")
        #expect(context.parentID == 0xb7ad_6b71_6920_3331)
        #expect(context.isSampled)
        #expect(context.header == example)
    }

    @Test(arguments: [("00", "00"), ("01", "01"), ("02", "00"), ("ff", "01"), ("fe", "00")])
    func `of the flags only the sampled bit is passed on`(read: String, written: String) throws {
        let context = try #require(TraceContext(header: example.dropLast(2) + read))
        #expect(context.header == example.dropLast(2) + written)
    }

    @Test(arguments: [
        "",
        "00",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0G",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319cb7ad6b7169203331--01",
        " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "00-0af7651916cd43dd8448eb211c80319é-b7ad6b7169203331-01",
    ])
    func `what is not exactly version 00 is no trace context`(header: String) {
        #expect(TraceContext(header: header) == nil)
    }

    @Test func `a half of the trace's id may be zero`() {
        #expect(TraceContext(header: "00-00000000000000000000000000000001-b7ad6b7169203331-00") != nil)
        #expect(TraceContext(header: "00-10000000000000000000000000000000-b7ad6b7169203331-00") != nil)
    }

    @Test func `a child keeps the trace and has an id of its own`() {
        var generator = SystemRandomNumberGenerator()
        let parent = TraceContext.start(isSampled: true, using: &generator)
        let child = parent.child(using: &generator)
        #expect(child.traceID == parent.traceID)
        #expect(child.isSampled)
        #expect(child.parentID != parent.parentID)
        #expect(TraceContext(header: child.header) == child)
    }
}
