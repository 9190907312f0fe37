/// What kind of file or folder a model is: an open set, so that another module may name formats of its own.
public struct ModelFormat: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }

    public static let onnx = ModelFormat(rawValue: "onnx")
    public static let xgboostJSON = ModelFormat(rawValue: "xgboost-json")
    public static let xgboostUBJ = ModelFormat(rawValue: "xgboost-ubj")
    public static let xgboostBinary = ModelFormat(rawValue: "xgboost-binary")
    public static let lightgbmText = ModelFormat(rawValue: "lightgbm-text")
    public static let pickle = ModelFormat(rawValue: "pickle")
    public static let joblib = ModelFormat(rawValue: "joblib")
    public static let torchScript = ModelFormat(rawValue: "torchscript")
    /// Anything that `torch.save` wrote as an archive: mostly a state dict, sometimes a whole module.
    public static let torchStateDict = ModelFormat(rawValue: "torch-state-dict")
    /// What `torch.save` wrote before archives: several pickles, then the storages.
    public static let torchLegacy = ModelFormat(rawValue: "torch-legacy")
    public static let safetensors = ModelFormat(rawValue: "safetensors")
    public static let mlflow = ModelFormat(rawValue: "mlflow")
    public static let keras = ModelFormat(rawValue: "keras")
    public static let hdf5 = ModelFormat(rawValue: "hdf5")
    public static let savedModel = ModelFormat(rawValue: "savedmodel")
    public static let gguf = ModelFormat(rawValue: "gguf")
    public static let unknown = ModelFormat(rawValue: "unknown")
}
