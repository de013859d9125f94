// SPDX-License-Identifier: Apache-2.0

/// An answer of gRPC's health protocol, as HTTP/2 brings it (gRPC's `PROTOCOL-HTTP2.md`): a head, one message, and the status
/// in the trailers; or the status alone, in the head.
struct GRPCHealthAnswer: HealthAnswer {
    private var reader = HTTP1ResponseReader(answersHead: false, limits: HeadLimits())
    private var call = Call()

    var status: Int? { call.status }

    mutating func read(_ bytes: UnsafeRawBufferPointer) -> HealthProbe.Outcome? {
        var call = call
        do { try reader.read(bytes) { call.take($0) } } catch { return call.verdict ?? .bad(.malformed) }
        self.call = call
        return call.verdict
    }

    private struct Call {
        /// Of HTTP where that is why the answer is bad, else of gRPC.
        private(set) var status: Int?
        private(set) var verdict: HealthProbe.Outcome?
        private var content: [UInt8] = []

        mutating func take(_ part: HTTP1ResponseReader.Part) {
            guard verdict == nil else { return }
            switch part {
            case .head(let head, let isLast):
                if head.status < 200 { return }
                guard head.status == 200 else {
                    self.status = head.status
                    verdict = .bad(.status)
                    return
                }
                let fields = head.fields
                let type = fields.first { $0.name == "content-type" }?.value
                guard let type, HTTP2FieldRules.isGRPC(contentType: type) else {
                    verdict = .bad(.malformed)
                    return
                }
                if isLast { end(fields) }
            case .content(let bytes): content.append(contentsOf: bytes)
            case .end(let trailers): end(trailers)
            }
        }

        private mutating func end(_ fields: [(name: String, value: String)]) {
            let statuses = fields.filter { $0.name == "grpc-status" }
            guard statuses.count == 1, let status = Self.code(statuses[0].value) else {
                verdict = .bad(.malformed)
                return
            }
            self.status = status
            guard status == 0 else {
                verdict = .bad(.grpcStatus)
                return
            }
            switch GRPCHealthMessage.servingStatus(framed: content) {
            case nil: verdict = .bad(.malformed)
            case .serving?: verdict = .good
            case .other?: verdict = .bad(.notServing)
            }
        }

        /// Decimal, without leading zeros; nil where it is not.
        private static func code(_ text: String) -> Int? {
            guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy(ASCII.isDigit) else { return nil }
            return text == "0" || !text.hasPrefix("0") ? Int(text) : nil
        }
    }
}
