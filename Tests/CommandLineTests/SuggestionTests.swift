import CommandLineKit
import Testing

@Suite("Suggestions")
struct SuggestionTests {
    @Test(
        "the nearest word is meant, and none where all are far",
        arguments: [
            ("regsiter", "register"), ("Register", "register"), ("reg", "register"), ("lst", "list"), ("show", "show"),
            ("x", nil), ("", nil), ("download-all-of-it", nil), ("serach", "search"),
        ] as [(String, String?)])
    func nearest(_ typed: String, _ meant: String?) {
        #expect(Suggestion.nearest(to: typed, among: ["register", "list", "show", "search", "download"]) == meant)
    }

    @Test(
        "lengths of time are read, and nothing else is",
        arguments: [
            ("90s", 90), ("1h30m", 5400), ("7d", 604_800), ("2w", 1_209_600), ("", nil), ("7", nil), ("d", nil),
            ("-1d", nil), ("1y", nil), ("999999999999d", nil), ("99999999999w", nil),
        ] as [(String, Int64?)])
    func durations(_ text: String, _ seconds: Int64?) { #expect(DurationText.seconds(text) == seconds) }

    @Test(
        "points in time are read, and nothing else is",
        arguments: [
            ("2026-03-01", .absolute("2026-03-01T00:00:00Z")),
            ("2026-03-01T12:00:00+01:00", .absolute("2026-03-01T12:00:00+01:00")), ("2h", .ago(seconds: 7200)),
            ("2026-3-1", nil), ("yesterday", nil), ("2026-03-01T", nil),
        ] as [(String, MomentText?)])
    func moments(_ text: String, _ moment: MomentText?) { #expect(MomentText(text) == moment) }
}
