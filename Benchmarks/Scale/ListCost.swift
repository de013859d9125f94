// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeModel

/// What lists cost whose filter fits nothing, or little: a page that has to look at much to find it.
struct ListCost {
    /// The pages of one question, each by itself.
    struct Question {
        var what: String
        var pages: [Duration] = []
    }

    private static let largeTenant = "large"
    private static let largeCount = 100_000
    /// One key in so many has the label that is asked for.
    private static let rarity = 1000
    /// Of each question, at least, so that a percentile is not the first of them alone, which comes while what was loaded is still
    /// being taken in.
    private static let pages = 200

    /// Loads a tenant with 100,000 keys, and asks it and one with fewer.
    ///
    /// - Parameters:
    ///   - tenant: one that is there, with `count` keys.
    static func measure(tenant: String, count: Int, by api: API) async throws -> [Question] {
        try await load(by: api)
        var questions: [Question] = []
        for (tenant, count) in [(tenant, count), (largeTenant, largeCount)] {
            for (what, query) in [
                ("label that none has", "label=colour:red"), ("label that few have", "label=rare:yes"),
                ("field value that none has", "displayName=nobody"), ("limit of 1,000", "limit=1000"),
            ] {
                var question = Question(what: "page, \(what), among \(count)")
                while question.pages.count < Self.pages {
                    question.pages += try await pages(of: "/v1/tenants/\(tenant)/api-keys?\(query)", by: api)
                }
                questions.append(question)
            }
        }
        return questions
    }

    /// A list from its first page to its last, at most ten of them.
    private static func pages(of target: String, by api: API) async throws -> [Duration] {
        var (pages, next) = ([Duration](), Optional(target))
        while let target = next, pages.count < 10 {
            let start = ContinuousClock.now
            let answer = try await api.send("GET", target)
            pages.append(ContinuousClock.now - start)
            guard answer.status == 200 else {
                throw API.Refused(what: "a list", status: answer.status, text: String(buffer: answer.body))
            }
            next = try JSON.parse(answer.body.readableBytesView)["next"]?.string
        }
        return pages
    }

    private static func load(by api: API) async throws {
        var text = #"{"resources":[{"kind":"tenant","name":"\#(largeTenant)","spec":{}}"#
        for key in 0..<largeCount - 1 {
            let labels = key % rarity == 0 ? #","labels":{"rare":"yes"}"# : ""
            text += #",{"kind":"apiKey","tenant":"\#(largeTenant)","name":"k\#(key)","spec":{}\#(labels)}"#
        }
        let request = RequestText.make("POST", "/v1/apply", token: api.token, bytes: Array((text + "]}").utf8))
        let answer = try await api.connection.exchange(request, keepsBody: false)
        guard answer.status == 200 else { throw API.Refused(what: "a bundle", status: answer.status, text: "") }
    }
}
