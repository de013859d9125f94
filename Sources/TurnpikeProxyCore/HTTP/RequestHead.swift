// SPDX-License-Identifier: Apache-2.0

/// The head of one request, as offsets into the bytes that were parsed.
///
/// Nothing is copied: the head can be read only together with those bytes, which must stay as they are until the
/// request has been forwarded. One value serves all requests of a connection in turn, and keeps its storage.
public struct RequestHead: Sendable {
    public internal(set) var method: HTTPMethod = .other
    /// The method as sent; what there is to know of an `other` method.
    public internal(set) var methodName = ByteRange.empty
    /// The request target as sent, in whichever form.
    public internal(set) var target = ByteRange.empty
    /// The path of the target, not normalised and without the query. Empty for `*`, and for an absolute target that
    /// ends with its authority, which means `/`.
    public internal(set) var path = ByteRange.empty
    /// The query without its `?`; nil where there is none, empty where there is only the `?`.
    public internal(set) var query: ByteRange?
    /// `OPTIONS *`, or the absolute form of it: a question to the server, not to a resource (RFC 9112 §3.2.4).
    public internal(set) var isAsterisk = false
    /// 0 or 1, of HTTP/1.
    public internal(set) var minorVersion: UInt8 = 1
    /// The host without port and without a final dot, in the case it was sent; empty only for HTTP/1.0 without Host.
    /// From the target where that has one.
    public internal(set) var host = ByteRange.empty
    /// Host and port as sent.
    public internal(set) var authority = ByteRange.empty
    public internal(set) var port: UInt16?
    public internal(set) var fields = FieldTable()
    /// Never `.untilClose`. An empty body that was announced is `.length(0)`.
    public internal(set) var framing = BodyFraming.none
    /// The client keeps its connection after this exchange.
    public internal(set) var keepAlive = true
    /// The client waits for `100 Continue` before it sends the content that `framing` announces.
    public internal(set) var expectsContinue = false
    /// The client asks for another protocol on this connection (RFC 9110 §7.8).
    public internal(set) var isUpgrade = false
    /// `Connection` names fields that must not be forwarded.
    public internal(set) var nominatesFields = false
    /// Bytes from the start up to the first byte of the content.
    public internal(set) var headLength = 0

    public init() {}

    /// Whether content follows the head.
    public var hasBody: Bool {
        switch framing {
        case .none, .length(0): false
        case .length, .chunked, .untilClose: true
        }
    }

    /// Whether the content is messages of gRPC's, of a number that nobody has announced.
    func carriesGRPC(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard framing == .chunked, let type = fields.first(named: "content-type", in: bytes) else { return false }
        let prefix = bytes[type.value].prefix(16)
        return UnsafeRawBufferPointer(rebasing: prefix).equalsIgnoringCase("application/grpc")
    }

    mutating func reset() {
        method = .other
        methodName = .empty
        target = .empty
        path = .empty
        query = nil
        isAsterisk = false
        minorVersion = 1
        host = .empty
        authority = .empty
        port = nil
        fields.removeAll()
        framing = .none
        keepAlive = true
        expectsContinue = false
        isUpgrade = false
        nominatesFields = false
        headLength = 0
    }
}
