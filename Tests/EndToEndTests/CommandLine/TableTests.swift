// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import turnpike

@Suite struct TableTests {
    @Test func `columns are as wide as their cells, and numbers stand right`() {
        let table = Table(
            [Table.Column(title: "name"), Table.Column(title: "requests", alignment: .right)],
            rows: [["orders", "7"], ["a", "12345678901"]], note: "More follow."
        )
        #expect(
            table.text(styled: false) == """
                NAME       REQUESTS
                orders            7
                a       12345678901
                More follow.

                """)
    }

    @Test func `no rows are said to be none`() {
        #expect(Table([Table.Column(title: "name")]).text(styled: false) == "Nothing there.\n")
    }

    @Test func `a table of documents has the columns that the documents have`() {
        let documents: [JSON] = [
            [
                "id": "svc_1", "tenant": "acme", "name": "orders", "connectTimeout": "2s",
                "endpoints": [["host": "127.0.0.1", "port": 9001]], "labels": .object(JSONObject()), "revision": 3,
                "createdAt": "2026-03-01T00:00:00Z", "updatedAt": "2026-03-02T00:00:00Z",
            ]
        ]
        #expect(
            Table(documents: documents).text(styled: false) == """
                NAME    CONNECT TIMEOUT  ENDPOINTS                 REVISION  UPDATED AT
                orders  2s               host=127.0.0.1 port=9001         3  2026-03-02T00:00:00Z

                """)
    }

    @Test func `what a worker does has no column among what is configured`() {
        let table = Table(documents: [["name": "gw-1", "kind": "gateway", "status": ["connected": true, "lag": 0]]])
        #expect(table.columns.map(\.title) == ["name", "kind"])
    }

    @Test func `a long cell is cut`() {
        #expect(Table.cell(.string(String(repeating: "x", count: 100))).count == 60)
    }

    @Test func `a text of several lines has no column`() {
        let table = Table(documents: [
            ["name": "api", "chain": "-----BEGIN CERTIFICATE-----\nMII…\n", "names": ["a.test"]]
        ])
        #expect(table.columns.map(\.title) == ["name", "names"])
    }

    @Test func `a usage report has its counters on the right`() {
        let rows: [JSON] = [["route": "orders", "requests": 137, "statusClass": "2xx"]]
        #expect(
            Table(usage: rows).text(styled: false) == """
                ROUTE   STATUS CLASS  REQUESTS
                orders  2xx                137

                """)
    }

    @Test func `a worker that lags shows how many revisions it is behind`() {
        let status: JSON = ["connected": true, "appliedRevision": 5, "lag": 3]
        let table = Table(workers: [["name": "gw-1", "kind": "gateway", "status": status]])
        let column = table.columns.firstIndex { $0.title == "behind" }
        #expect(column.map { table.rows[0][$0] } == "3")
    }

    @Test func `how requests are spread over zones is a table where a service minds them`() throws {
        let shares: JSON = [["zone": "eu-a", "endpoints": 2, "percent": 100], ["endpoints": 11, "percent": 0]]
        let zones: JSON = ["preferred": "eu-a", "minHealthyPercent": 50, "shares": shares]
        let table = try #require(Table(zonesOf: ["backends": [["service": "a"], ["service": "b", "zones": zones]]]))
        #expect(
            table.text(styled: false) == """
                SERVICE  ZONE  ENDPOINTS  PERCENT  PREFERRED
                b        eu-a          2      100  while 50 % of it are healthy
                b                     11        0  

                """)
        #expect(Table(zonesOf: ["backends": [["service": "a"]]]) == nil)
    }
}
