/// Says what the files of a model are, and what they say about the model, without executing anything of them.
public enum ModelRecognizer {
    /// Looks at the files of one model.
    ///
    /// Nothing in the files makes it fail: what cannot be read becomes a warning in the description. It blocks while it
    /// reads, for as long as the limits allow.
    ///
    /// - Throws: only what reading from `files` throws.
    public static func recognise(
        _ files: any ModelFiles, limits: RecognitionLimits = RecognitionLimits()
    ) throws -> ModelDescription {
        let recognition = Recognition(files, limits: limits)
        var description = try recognition.describe()
        if description.warnings.count > limits.warningsMax {
            let left = description.warnings.count - limits.warningsMax
            // What is dangerous must not be crowded out by what is not.
            let dangerous = description.warnings.filter { $0.code == .dangerousImport }
            let others = description.warnings.filter { $0.code != .dangerousImport }
            description.warnings = Array((dangerous + others).prefix(limits.warningsMax))
            description.warnings.append(ModelWarning(.limit, "\(left) more warnings are left off", path: ""))
        }
        return description
    }
}
