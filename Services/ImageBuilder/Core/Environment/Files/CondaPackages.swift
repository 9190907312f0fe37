/// What packages of conda are called on PyPI, where they are the same there.
enum CondaPackages {
    enum Meaning: Equatable {
        /// The same package, under this name.
        case package(String)
        /// Comes with the environment anyway.
        case nothing
        /// Not to be had from PyPI; with what does its work there, where something does.
        case onlyConda(advice: String)
        /// Nobody here knows whether the package of that name on PyPI is the same.
        case unknown
    }

    static func meaning(of name: String) -> Meaning {
        let name = Requirement.normal(name)
        if tools.contains(name) { return .nothing }
        if let other = renamed[name] { return .package(other) }
        if let advice = onlyConda[name] { return .onlyConda(advice: advice) }
        if same.contains(name) { return .package(name) }
        if systemPrefixes.contains(where: { name.hasPrefix($0) }) { return .onlyConda(advice: libraries) }
        return .unknown
    }

    /// Install other packages.
    private static let tools: Set<String> = ["pip", "conda", "mamba"]

    private static let libraries = "leave it out: wheels bring the libraries that they need"
    private static let gpu = "the GPU flag chooses wheels that bring CUDA"
    private static let system = "leave it out, or take a base image that has it"

    private static let renamed = [
        "pytorch": "torch", "pytorch-cpu": "torch", "py-xgboost": "xgboost", "py-xgboost-cpu": "xgboost-cpu",
        "tensorflow-base": "tensorflow", "tensorflow-gpu": "tensorflow", "matplotlib-base": "matplotlib",
        "opencv": "opencv-python-headless", "py-opencv": "opencv-python-headless", "msgpack-python": "msgpack",
        "pytables": "tables", "dask-core": "dask", "python-graphviz": "graphviz",
        "pillow-simd": "pillow", "python-xxhash": "xxhash", "lz4-python": "lz4",
        "psycopg2": "psycopg2-binary",
        "faiss": "faiss-cpu", "seaborn-base": "seaborn",
    ]

    private static let onlyConda = [
        "cudatoolkit": gpu, "cudnn": gpu,
        "cuda": gpu, "pytorch-cuda": gpu,
        "pytorch-mutex": libraries, "nccl": gpu, "cpuonly": "leave it out",
        "mkl": libraries, "mkl-service": libraries, "blas": libraries, "openblas": libraries, "intel-openmp": libraries,
        "llvm-openmp": libraries, "libgcc": libraries, "libgomp": libraries, "openssl": libraries, "zlib": libraries,
        "ca-certificates": "pip: certifi", "certifi-win32": "pip: certifi", "readline": libraries, "sqlite": libraries,
        "tk": libraries, "xz": libraries, "bzip2": libraries, "ncurses": libraries, "hdf5": "pip: h5py",
        "libxgboost": "pip: xgboost", "xgboost-gpu": "pip: xgboost", "arrow-cpp": "pip: pyarrow", "ffmpeg": system,
        "gcc": system, "gxx": system, "cmake": system, "make": system, "git": system, "openjdk": system,
        "nodejs": system, "graphviz": "pip: graphviz, and a base image that has the program", "poppler": system,
        "tesseract": system, "r-base": system, "nomkl": "leave it out", "tensorflow-mkl": "pip: tensorflow",
        "geos": "pip: shapely", "proj": "pip: pyproj", "gdal": "pip: rasterio or pyogrio", "libgdal": "pip: rasterio",
        "rapids": "pip: cudf-cu12, cuml-cu12", "cudf": "pip: cudf-cu12", "cuml": "pip: cuml-cu12",
        "python-abi": "leave it out",
        "postgresql": "pip: psycopg2-binary", "libpq": "pip: psycopg2-binary", "lightgbm-gpu": "pip: lightgbm",
        "snappy": "pip: python-snappy", "boost": libraries, "boost-cpp": libraries,
        "protobuf-compiler": "pip: grpcio-tools",
        "libprotobuf": "pip: protobuf", "grpc-cpp": "pip: grpcio", "re2": libraries, "abseil-cpp": libraries,
    ]

    private static let systemPrefixes = ["lib", "ld-impl", "xorg-", "cuda-", "gcc-", "gxx-", "binutils", "-"]

    /// Of the same name and meaning there and here.
    private static let same = Set(
        """
        absl-py accelerate blosc importlib-metadata prometheus-client ruamel-yaml xgboost-cpu mlflow-skinny huggingface-hub kafka-python aiofiles aiohttp alembic altair annotated-types anyio appdirs argcomplete asn1crypto astropy \
        async-timeout attrs autograd azure-core azure-identity azure-storage-blob babel bcrypt beautifulsoup4 blinker bokeh \
        boto3 botocore bottleneck brotli cachetools catboost category-encoders certifi cffi chardet charset-normalizer click \
        cloudpickle cmaes colorama colorlog confection contourpy cryptography cvxpy cycler cymem cython dask databricks-cli \
        databricks-sdk dataclasses-json datasets decorator deprecated dill distributed django docker docopt duckdb einops \
        entrypoints et-xmlfile eventlet evaluate exceptiongroup faiss-cpu fastapi fastavro fastparquet fasttext feature-engine \
        filelock flask flask-cors flatbuffers flax fonttools frozenlist fsspec future fuzzywuzzy gast gcsfs gensim gevent \
        geopandas gitdb gitpython google-auth google-cloud-storage googleapis-common-protos graphene greenlet grpcio \
        grpcio-tools gunicorn h11 h5py hdbscan holidays httpcore httptools httpx hyperopt idna imageio imbalanced-learn \
        importlib-resources inference-schema iniconfig interpret isodate itsdangerous jax jaxlib jinja2 jiter jmespath joblib \
        jsonpatch jsonschema keras kiwisolver langcodes langchain lazy-loader levenshtein lightgbm lightning llvmlite loguru lxml \
        lz4 mako mapie markdown markdown-it-py markupsafe matplotlib mdurl mlflow mlxtend more-itertools mpmath msal msgpack \
        msrest multidict multiprocess munch murmurhash mypy-extensions narwhals nbformat networkx nltk numba numexpr numpy \
        oauthlib omegaconf onnx onnxmltools onnxruntime openai openpyxl opencv-python opencv-python-headless optuna orjson \
        packaging pandas pandera paramiko partd patsy pathos peft pexpect pillow platformdirs plotly polars pooch \
        portalocker preshed prometheus-flask-exporter prophet proto-plus protobuf psutil psycopg2-binary pyarrow pyasn1 \
        pycparser pydantic pydantic-core pydot pygments pyjwt pymongo pymysql pynacl pynndescent pyod pyodbc pyopenssl \
        pyparsing pyproj pysocks pytest python-dateutil python-dotenv python-json-logger python-multipart pytorch-lightning \
        pytz pywavelets pyyaml querystring-parser rapidfuzz rasterio redis regex requests requests-oauthlib retrying rich rsa \
        s3fs s3transfer safetensors scikit-image scikit-learn scikit-optimize scikit-plot scipy seaborn sentence-transformers \
        sentencepiece setuptools shap shapely simplejson six skl2onnx skops slicer smart-open smmap sniffio sortedcontainers \
        soupsieve spacy sqlalchemy sqlparse srsly starlette statsmodels sympy tabulate tbb tblib tenacity tensorboard tensorflow \
        tensorflow-cpu termcolor textblob tflite-runtime thinc threadpoolctl tifffile tiktoken timm tokenizers tomli toolz \
        torchmetrics torchvision torchaudio torch tornado tqdm traitlets transformers treelite typeguard typer \
        typing-extensions tzdata tzlocal ujson umap-learn unidecode urllib3 uvicorn uvloop wasabi waitress watchfiles \
        websockets werkzeug wheel wrapt xarray xgboost xlrd xlsxwriter xxhash yarl zipp zstandard
        """.split(separator: " ").map(String.init))
}
