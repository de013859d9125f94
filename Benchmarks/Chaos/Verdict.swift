// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// What is wrong with the state that the kills have left, each fault in a sentence. None is the only good verdict.
struct Verdict {
    private(set) var faults: [String] = []
    private(set) var services = 0
    private(set) var once = 0
    private(set) var revision: Revision = 0

    /// What the API lists, beside what was promised.
    mutating func check(_ promised: [String: Int], by api: API) async throws {
        var found: [String: Int] = [:]
        var next: String? = "/v1/tenants/bench/services?limit=200"
        while let target = next {
            let page = try await api.call("GET", target)
            for service in page["data"]?.array ?? [] {
                guard let name = service["name"]?.string else { continue }
                let counter = service["labels"]?[Writer.label]?.string.flatMap { Int($0) } ?? 0
                if found.updateValue(counter, forKey: name) != nil { faults.append("\(name) is listed twice.") }
                revision = max(revision, service["revision"]?.integer ?? 0)
            }
            next = page["next"]?.string
        }
        services = found.count
        for (name, counter) in promised {
            if let there = found[name] {
                if there < counter { faults.append("\(name) is at \(there), but \(counter) was answered.") }
                // A request without an answer may still have been carried out, one at most.
                if there > counter + 1 { faults.append("\(name) is at \(there), but only \(counter) was answered.") }
            } else {
                faults.append("\(name) was answered at \(counter), and is not there.")
            }
        }
    }

    /// What was created with an idempotency key is there once, and what was answered works.
    mutating func check(once promised: [String: String], by api: API) async throws {
        var found: [String: Int] = [:]
        var next: String? = "/v1/join-tokens?limit=1000"
        while let target = next {
            let page = try await api.call("GET", target)
            for token in page["data"]?.array ?? [] {
                if let label = token["labels"]?[Writer.onceLabel]?.string { found[label, default: 0] += 1 }
            }
            next = page["next"]?.string
        }
        once = found.count
        for (label, count) in found where count > 1 { faults.append("\(label) is there \(count) times.") }
        for label in promised.keys where found[label] == nil {
            faults.append("\(label) was answered, and is not there.")
        }
        // A secret that is good lets its holder in as far as that a worker's description is missing.
        for (label, secret) in promised.sorted(by: { $0.key < $1.key }).prefix(100) {
            let answer = try await API(connection: api.connection, token: secret).send("POST", "/v1/workers", [:])
            if answer.status == 401 { faults.append("The secret that was answered for \(label) is none.") }
        }
    }

    /// What `turnpike check` says: the chain of hashes above all.
    mutating func check(folder: String, on stage: Stage) async throws {
        let program = try stage.start("turnpike", ["check", folder])
        while program.isRunning { try await Task.sleep(for: .milliseconds(5)) }
        if program.exitStatus != 0 { faults.append("turnpike check: \(program.output)") }
    }

    /// The tables, with nobody writing: no name twice, no revision missing, every change in the revision it belongs to.
    mutating func check(database path: String) throws {
        let database = try RawDatabase(path)
        let faultless = [
            "a name is there twice":
                "SELECT kind, tenant_id, name FROM resource GROUP BY kind, tenant_id, name HAVING count(*) > 1",
            "revisions are not contiguous": """
            SELECT last FROM (
                SELECT min(number) AS first, max(number) AS last, count(*) AS count FROM revision)
            WHERE first <> 1 OR last <> count
            """,
            "a revision has no change": "SELECT number FROM revision WHERE number NOT IN (SELECT revision FROM change)",
            "a resource is not what the log says": """
            SELECT resource.name FROM resource WHERE resource.kind = 'service' AND resource.document IS NOT (
                SELECT after FROM change WHERE change.kind = resource.kind AND change.name = resource.name
                ORDER BY revision DESC LIMIT 1)
            """,
            "SQLite finds damage": "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
        ]
        for (fault, query) in faultless {
            let rows = try database.rows(query)
            if !rows.isEmpty { faults.append("In the database, \(fault) (\(rows.count) rows).") }
        }
    }

    mutating func add(_ fault: String) { faults.append(fault) }
}
