/// Judges names that a pickle would import.
///
/// A list of what is dangerous can never be complete, so whatever is not known to be needed is suspicious. In packages
/// that models come from, only names that look like classes are known: their functions include ones that load files,
/// evaluate text and import modules.
enum PickleRisk {
    static func of(module: String, name: String) -> PickleImport.Risk {
        let module = modern[module] ?? module
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let modules = module.split(separator: ".").map(String.init)
        guard let top = modules.first, let first = parts.first else { return .suspicious }
        if dangerousModules.contains(top) || dangerousNames.contains("\(module).\(first)") { return .dangerous }
        // A dotted name walks through attributes, and so reaches what the module itself has imported.
        if parts.contains(where: { dangerousAttributes.contains($0) || dangerousModules.contains($0) }) {
            return .dangerous
        }
        if modules.dropFirst().contains(where: { dangerousModules.contains($0) }) { return .suspicious }
        guard parts.count == 1 else { return .suspicious }
        if let names = knownNames[module] { if names.contains(first) { return .known } }
        if top == "__torch__" { return .known }
        if knownFunctions.contains(first), packages.contains(top) { return .known }
        return packages.contains(top) && looksLikeClass(first) && !isPrivateTooling(modules) ? .known : .suspicious
    }

    /// `Pipeline`, `_Loss`, `__Private`: capitals begin it.
    private static func looksLikeClass(_ name: String) -> Bool {
        guard let letter = name.utf8.first(where: { $0 != UInt8(ascii: "_") }) else { return false }
        return letter >= UInt8(ascii: "A") && letter <= UInt8(ascii: "Z")
    }

    /// Parts of packages that compile, test or download.
    private static func isPrivateTooling(_ modules: [String]) -> Bool {
        modules.contains { ["testing", "tests", "distutils", "f2py", "hub", "cpp_extension", "datasets"].contains($0) }
    }

    /// Modules of Python 2 by the names under which Python 3 imports them for old pickles.
    private static let modern = [
        "__builtin__": "builtins", "copy_reg": "copyreg", "commands": "subprocess", "cPickle": "pickle",
        "exceptions": "builtins", "UserDict": "collections", "UserList": "collections", "thread": "_thread",
        "__builtins__": "builtins", "cStringIO": "io", "StringIO": "io", "urllib2": "urllib", "httplib": "http",
    ]

    /// Anything in these.
    private static let dangerousModules: Set<String> = [
        "os", "posix", "nt", "posixpath", "ntpath", "subprocess", "_posixsubprocess", "sys", "shutil", "socket",
        "_socket",
        "pty", "tty", "importlib", "_frozen_importlib", "_frozen_importlib_external", "imp", "_imp", "pkgutil", "runpy",
        "webbrowser", "ctypes", "_ctypes", "cffi", "pickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve",
        "code", "codeop", "ast", "pdb", "bdb", "cProfile", "profile", "timeit", "trace", "doctest", "multiprocessing",
        "threading", "_thread", "concurrent", "asyncio", "signal", "resource", "mmap", "fcntl", "urllib", "http",
        "ftplib", "smtplib", "telnetlib", "xmlrpc", "requests", "ssl", "select", "tempfile", "glob", "fileinput",
        "platform", "site", "sysconfig", "distutils", "setuptools", "pip", "venv", "ensurepip", "inspect", "gc",
        "operator", "_operator", "types", "zipimport", "zipfile", "tarfile", "linecache", "sqlite3", "_sqlite3",
        "antigravity", "idlelib", "lib2to3", "test", "unittest", "rlcompleter", "_testcapi", "winreg",
        "_winreg", "_winapi", "msvcrt", "paramiko", "fabric", "popen2", "io", "_io", "_pyio",
    ]

    /// Single names in modules that also have harmless ones.
    private static let dangerousNames: Set<String> = Set(
        [
            "eval", "exec", "execfile", "compile", "__import__", "getattr", "setattr", "delattr", "open", "file",
            "input",
            "raw_input", "globals", "locals", "vars", "breakpoint", "apply", "memoryview", "help", "exit", "quit",
            "reload",
            "classmethod", "staticmethod", "property", "super", "type", "map", "filter", "hasattr", "__build_class__",
        ].map { "builtins.\($0)" }
    ).union([
        "functools.partial", "functools.reduce", "functools.partialmethod", "functools.singledispatch",
        "copyreg.add_extension", "copyreg.pickle", "copyreg.constructor", "codecs.open", "codecs.lookup",
        "itertools.starmap", "logging.config", "pandas.read_pickle", "pandas.eval", "pandas.io.pickle.read_pickle",
        "numpy.load", "numpy.loads", "numpy.fromfile", "numpy.memmap", "numpy.save", "numpy.savetxt", "numpy.loadtxt",
        "joblib.load", "joblib.dump", "joblib.numpy_pickle.load", "torch.load", "torch.save", "torch.jit.load",
        "torch.serialization.load", "torch.storage._load_from_bytes", "torch.hub.load", "numpy.testing.runstring",
        "numpy.testing._private.utils.runstring", "pathlib.Path",
    ])

    /// Attributes that give access to code from anywhere.
    private static let dangerousAttributes: Set<String> = [
        "eval", "exec", "system", "popen", "spawn", "execfile", "__import__", "__globals__", "__builtins__",
        "__class__",
        "__bases__", "__base__", "__mro__", "__subclasses__", "__code__", "__loader__", "__spec__", "__dict__",
        "__getattribute__", "__reduce__", "__reduce_ex__", "import_module", "load_module", "builtins", "runstring",
        "read_pickle", "modules",
    ]

    private static let packages: Set<String> = [
        "numpy", "sklearn", "scipy", "pandas", "xgboost", "lightgbm", "catboost", "torch", "joblib", "imblearn",
        "statsmodels",
    ]

    /// Functions and classes in small letters that these packages put into their pickles.
    private static let knownFunctions: Set<String> = [
        // numpy
        "dtype", "ndarray", "_reconstruct", "scalar", "_frombuffer", "recarray", "matrix", "float16", "float32",
        "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool_", "bool", "str_",
        "bytes_", "object_", "complex64", "complex128", "longdouble", "datetime64", "timedelta64", "__randomstate_ctor",
        "__generator_ctor", "__bit_generator_ctor",
        // scipy
        "csr_matrix", "csc_matrix", "coo_matrix", "lil_matrix", "dia_matrix", "bsr_matrix", "dok_matrix", "csr_array",
        "csc_array", "coo_array", "rv_frozen", "rv_continuous_frozen", "rv_discrete_frozen", "interp1d",
        // pandas
        "_new_Index", "_unpickle_block", "__pyx_unpickle_NDArrayBacked", "new_block", "_new_DatetimeIndex",
        "__nat_unpickle", "_unpickle_timestamp",
        // torch
        "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_parameter_with_state",
        "_rebuild_qtensor", "_rebuild_sparse_tensor", "_rebuild_device_tensor_from_numpy",
        "_rebuild_meta_tensor_no_storage",
        "device", "build_intlist", "build_doublelist", "build_boollist", "build_tensorlist", "restore_type_tag",
        "qint8", "quint8", "qint32", "long", "half", "double", "bfloat16", "int", "short", "per_tensor_affine",
        "per_channel_affine",
    ]

    /// Names of the standard library that objects are made of.
    private static let knownNames: [String: Set<String>] = [
        "builtins": [
            "set", "frozenset", "list", "dict", "tuple", "int", "float", "complex", "bool", "str", "bytes", "bytearray",
            "slice", "range", "object", "Ellipsis", "NotImplemented", "unicode", "long", "xrange",
            "Exception",
            "ValueError", "TypeError", "KeyError",
        ],
        "collections": ["OrderedDict", "defaultdict", "Counter", "deque", "ChainMap", "UserDict", "UserList"],
        "copyreg": ["_reconstructor", "__newobj__"],
        "_codecs": ["encode"],
        "datetime": ["datetime", "date", "time", "timedelta", "timezone"],
        "decimal": ["Decimal"],
        "fractions": ["Fraction"],
        "uuid": ["UUID", "SafeUUID"],
        "pathlib": ["PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath"],
        "zoneinfo": ["ZoneInfo"],
    ]
}
