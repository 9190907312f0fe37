/// A decision with the numbers that led to it.
struct ScalingChoice: Equatable, Sendable {
    var from: Int
    var to: Int
    /// What the formula gave, before bounds and waiting times.
    var computed: Int
    var demand: Demand
    /// Busy slots of all slots.
    var utilisation: Double
    var goal: Double
    var reason: String

    var changes: Bool { from != to }
}

/// Decides for one deployment. It remembers what was computed for as long as the waiting times reach back; what it doesn't
/// know counts as reason enough for the replicas that there are.
struct Autoscaler: Equatable, Sendable {
    private var window = StepWindow()
    /// When somebody was last known to ask.
    private var askedAt: Moment?

    /// - Parameters:
    ///   - current: how many there are to be by the last decision.
    ///   - slots: of one replica.
    ///   - ready: how many replicas answer.
    /// - Returns: the decision, and when time alone may change it.
    mutating func decide(
        _ rules: ScalingGoals, demand: Demand, current: Int, slots: Int, ready: Int, now: Moment
    ) -> (choice: ScalingChoice, wake: Moment?) {
        let computed = rules.computed(demand, slots: slots)
        if demand.isPresent || askedAt == nil { askedAt = now }
        window.set(computed, at: now)
        let longest = max(rules.downAfter, rules.upAfter)
        window.forget(before: now.advanced(by: .zero - longest))

        var wake: Moment?
        let (to, why) = target(rules, demand, computed, current, now, &wake)
        let capacity = Double(max(0, ready) * max(1, slots))
        let choice = ScalingChoice(
            from: current, to: to, computed: computed, demand: demand,
            utilisation: capacity > 0 ? demand.busy / capacity : 0, goal: rules.goal,
            reason: ScalingWords.reason(rules, demand, slots: slots, ready: ready) + why)
        return (choice, wake)
    }

    private func target(
        _ rules: ScalingGoals, _ demand: Demand, _ computed: Int, _ current: Int, _ now: Moment, _ wake: inout Moment?
    ) -> (Int, String) {
        if current == 0 {
            if rules.minimum > 0 { return (rules.bounded(computed), ": at least \(rules.minimum) are to be") }
            // Who sleeps is woken at once: somebody waits.
            return demand.isPresent ? (rules.bounded(computed), ", and none is there") : (0, ": it sleeps")
        }
        if rules.minimum == 0, !demand.isPresent, let askedAt {
            let end = askedAt.advanced(by: rules.zeroAfter)
            if now >= end { return (0, " for \(ScalingWords.time(rules.zeroAfter))") }
            wake = end
        }
        let wanted = rules.bounded(computed)
        let allowed = rules.bounded(current)
        if wanted > allowed {
            guard rules.upAfter > .zero else { return (wanted, "") }
            let least = window.least(since: now.advanced(by: .zero - rules.upAfter)).map(rules.bounded) ?? allowed
            later(window.nextChange(window: rules.upAfter, now: now), &wake)
            return least > allowed
                ? (least, "") : (allowed, ": more only after \(ScalingWords.time(rules.upAfter))")
        }
        if wanted < allowed {
            let largest = window.largest(since: now.advanced(by: .zero - rules.downAfter)).map(rules.bounded)
            later(window.nextChange(window: rules.downAfter, now: now), &wake)
            guard let largest, largest < allowed else {
                return (allowed, ": fewer only after \(ScalingWords.time(rules.downAfter))")
            }
            return (largest, ", and was for \(ScalingWords.time(rules.downAfter))")
        }
        if allowed != current { return (allowed, ": \(rules.minimum) to \(rules.maximum) are allowed") }
        return (allowed, "")
    }

    private func later(_ moment: Moment?, _ wake: inout Moment?) {
        guard let moment else { return }
        wake = wake.map { min($0, moment) } ?? moment
    }
}

/// What people read.
enum ScalingWords {
    static func reason(_ rules: ScalingGoals, _ demand: Demand, slots: Int, ready: Int) -> String {
        guard demand.isPresent else { return "nobody asked" }
        let waiting = demand.waiting > 0 ? ", \(demand.waiting) waiting" : ""
        switch rules.measure {
        case .utilisation:
            let all = max(0, ready) * max(1, slots)
            let busy = Plainly.number(demand.busy)
            guard all > 0 else { return "\(busy) busy\(waiting) without a slot" }
            let part = demand.busy / Double(all)
            return "\(busy) busy of \(all) slots is \(Plainly.percent(part))\(waiting), "
                + "\(side(part, rules.goal)) the goal of \(Plainly.percent(rules.goal))"
        case .concurrency:
            let each = demand.busy / Double(max(1, ready))
            return "\(Plainly.number(each)) requests for each replica\(waiting), "
                + "\(side(each, rules.goal)) the goal of \(Plainly.number(rules.goal))"
        case .rate:
            let each = demand.rate / Double(max(1, ready))
            return "\(Plainly.number(each)) requests a second for each replica\(waiting), "
                + "\(side(each, rules.goal)) the goal of \(Plainly.number(rules.goal))"
        }
    }

    private static func side(_ value: Double, _ goal: Double) -> String {
        value > goal ? "over" : value < goal ? "under" : "at"
    }

    static func time(_ duration: Duration) -> String {
        let seconds = duration.inSeconds
        return seconds >= 120 ? "\(Plainly.number(seconds / 60)) min" : "\(Plainly.number(seconds)) s"
    }
}
