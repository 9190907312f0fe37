import ServiceKit
import Spelling

/// What somebody may have meant who made a typing error.
public enum Suggestion {
    /// The word that is the fewest slips away; nil where none is near.
    public static func nearest(to typed: String, among words: [String]) -> String? {
        let typed = typed.lowercased()
        guard !typed.isEmpty else { return nil }
        let limit = max(1, (typed.count + 1) / 3)
        let ranked =
            words.map { word in
                // Half a word is no slip, but what comes before its end.
                let isBegun = typed.count >= 3 && word.hasPrefix(typed)
                return (word: word, slips: isBegun ? 0 : EditDistance.between(typed, word.lowercased()))
            }
            .filter { $0.slips <= limit && $0.slips < max(typed.count, $0.word.count) }
        return ranked.min { ($0.slips, $0.word) < ($1.slips, $1.word) }?.word
    }
}
