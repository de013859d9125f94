// SPDX-License-Identifier: Apache-2.0

/// When an endpoint that answers badly is taken out for a while (ejected). Each event loop of each gateway judges by what it
/// sees itself.
///
/// An error in a row is a 5xx answer; where no answer came, because the connection failed, closed or took too long, that is a
/// gateway error, and counts as 5xx too. Any other answer begins the count anew.
public struct OutlierDetection: Sendable, Hashable {
    /// 5xx in a row that eject, up to 1,000; 0 for never. Default 5.
    public var consecutive5xx: Int
    /// Of these, 502, 503, 504 and failures without an answer that eject; 0 for never. Default 0.
    public var consecutiveGatewayErrors: Int
    /// How long the first ejection lasts; the second twice as long, and so on. Default 30 s. Each such time that goes by
    /// without another takes one off.
    public var baseEjectionTime: Duration
    /// The longest that an ejection lasts. Default 5 min, or `baseEjectionTime` where that is more.
    public var maxEjectionTime: Duration
    /// Of the service's endpoints, how many may be out at once, in percent, rounded down; but always one, where there are
    /// several. Default 10.
    public var maxEjectionPercent: Int

    public init(
        consecutive5xx: Int = 5, consecutiveGatewayErrors: Int = 0, baseEjectionTime: Duration = .seconds(30),
        maxEjectionTime: Duration = .seconds(300), maxEjectionPercent: Int = 10
    ) {
        self.consecutive5xx = consecutive5xx
        self.consecutiveGatewayErrors = consecutiveGatewayErrors
        self.baseEjectionTime = baseEjectionTime
        self.maxEjectionTime = maxEjectionTime
        self.maxEjectionPercent = maxEjectionPercent
    }

    public init(reading fields: inout FieldReader) {
        consecutive5xx = Int(fields.integer("consecutive5xx", in: 0...1000, default: 5))
        consecutiveGatewayErrors = Int(fields.integer("consecutiveGatewayErrors", in: 0...1000, default: 0))
        baseEjectionTime = fields.duration(
            "baseEjectionTime", in: .milliseconds(100) ... .seconds(3600), default: .seconds(30))
        maxEjectionTime = fields.duration(
            "maxEjectionTime", in: .milliseconds(100) ... .seconds(86_400),
            default: max(.seconds(300), baseEjectionTime))
        maxEjectionPercent = Int(fields.integer("maxEjectionPercent", in: 1...100, default: 10))
        if consecutive5xx == 0, consecutiveGatewayErrors == 0 {
            fields.report(
                "consecutive5xx", .range, "One of 'consecutive5xx' and 'consecutiveGatewayErrors' must be above 0.")
        }
        if maxEjectionTime < baseEjectionTime {
            fields.report("maxEjectionTime", .range, "'maxEjectionTime' must not be less than 'baseEjectionTime'.")
        }
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("consecutive5xx", Int64(consecutive5xx))
        fields.write("consecutiveGatewayErrors", Int64(consecutiveGatewayErrors))
        fields.write("baseEjectionTime", baseEjectionTime)
        fields.write("maxEjectionTime", maxEjectionTime)
        fields.write("maxEjectionPercent", Int64(maxEjectionPercent))
    }
}
