/* What this adapter uses of ONNX Runtime's C interface.
 *
 * The runtime's package brings the library and no header, so the parts in use are declared here.
 *
 * How the numbers come about: `OrtGetApiBase()->GetApi(version)` gives a table of function pointers. Its order is that
 * of the members of `struct OrtApi` in the project's public header; members are only ever appended, and the project
 * asserts the number of the last member of every version that it has published: 101 ReleaseCustomOpDomain, 118
 * ReleaseModelMetadata, 124 AddFreeDimensionOverrideByName, 126 ReleaseAvailableProviders, 149 SetGlobalSpinControl,
 * 157 ReleaseArenaCfg, 161 GetCurrentGpuDeviceId, 169 CreateSessionFromArrayWithPrepackedWeightsContainer, 191
 * GetSparseTensorIndices, 203 SynchronizeBoundOutputs, 209 SessionOptionsAppendExecutionProvider_MIGraphX, 218
 * ReleaseKernelInfo, 224 ReleaseCANNProviderOptions, 238 GetSessionConfigEntry, 254 GetBuildInfoString, 265
 * KernelContext_GetResource, 275 SessionOptionsAppendExecutionProvider_OpenVINO_V2 (the last of version 17, which is
 * asked for). The numbers below were counted between those. Tests/Scoring/onnx_slots.py calls each of them and looks
 * at what it does; a library that is not what it says it is is met by a look at a few of them when it is opened.
 */
#ifndef ORT_FUNCTIONS_H
#define ORT_FUNCTIONS_H

#include <stddef.h>
#include <stdint.h>

/* The oldest version of the interface that has all of them: that of ONNX Runtime 1.17. */
#define ORT_INTERFACE_VERSION 17

typedef struct OrtStatus OrtStatus;
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtValue OrtValue;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtAllocator OrtAllocator;
typedef struct OrtTypeInfo OrtTypeInfo;
typedef struct OrtTensorInfo OrtTensorInfo;
typedef struct OrtMapInfo OrtMapInfo;
typedef struct OrtSequenceInfo OrtSequenceInfo;
typedef struct OrtOptionalInfo OrtOptionalInfo;
typedef struct OrtModelMetadata OrtModelMetadata;
typedef struct OrtThreadingOptions OrtThreadingOptions;
typedef struct OrtProviderOptions OrtProviderOptions; /* of whichever provider */

typedef void (*OrtLog)(
    void *context, int severity, const char *category, const char *logger, const char *location, const char *message);

/* Kinds of values. */
enum { ORT_TENSOR = 1, ORT_SEQUENCE = 2, ORT_MAP = 3, ORT_OPAQUE = 4, ORT_SPARSE_TENSOR = 5, ORT_OPTIONAL = 6 };

/* Types of elements. */
enum {
    ORT_FLOAT = 1, ORT_UINT8 = 2, ORT_INT8 = 3, ORT_UINT16 = 4, ORT_INT16 = 5, ORT_INT32 = 6, ORT_INT64 = 7,
    ORT_STRING = 8, ORT_BOOL = 9, ORT_FLOAT16 = 10, ORT_DOUBLE = 11, ORT_UINT32 = 12, ORT_UINT64 = 13,
    ORT_COMPLEX64 = 14, ORT_COMPLEX128 = 15, ORT_BFLOAT16 = 16,
};

/* Codes of errors. */
enum {
    ORT_FAIL = 1, ORT_INVALID_ARGUMENT = 2, ORT_NO_SUCH_FILE = 3, ORT_NO_MODEL = 4, ORT_ENGINE_ERROR = 5,
    ORT_RUNTIME_EXCEPTION = 6, ORT_INVALID_PROTOBUF = 7, ORT_MODEL_LOADED = 8, ORT_NOT_IMPLEMENTED = 9,
    ORT_INVALID_GRAPH = 10, ORT_PROVIDER_FAILED = 11,
};

enum { ORT_LOG_VERBOSE = 0, ORT_LOG_INFO = 1, ORT_LOG_WARNING = 2, ORT_LOG_ERROR = 3, ORT_LOG_FATAL = 4 };
enum { ORT_DEVICE_ALLOCATOR = 0, ORT_ARENA_ALLOCATOR = 1 };
enum { ORT_MEMORY_DEFAULT = 0 };

/* The four functions that each provider with options of its own has, in the four rows that follow each other here. */
#define ORT_PROVIDER_FUNCTIONS(SLOT, name, append, create, update, release) \
    SLOT(append, OrtStatus *, Append##name, (OrtSessionOptions *, const OrtProviderOptions *)) \
    SLOT(create, OrtStatus *, Create##name##Options, (OrtProviderOptions **)) \
    SLOT(update, OrtStatus *, Update##name##Options, \
         (OrtProviderOptions *, const char *const *names, const char *const *values, size_t count)) \
    SLOT(release, void, Release##name##Options, (OrtProviderOptions *))

/* SLOT(number in the table, result, name, parameters) */
#define ORT_FUNCTIONS(SLOT) \
    SLOT(0, OrtStatus *, CreateStatus, (int code, const char *message)) \
    SLOT(1, int, GetErrorCode, (const OrtStatus *)) \
    SLOT(2, const char *, GetErrorMessage, (const OrtStatus *)) \
    SLOT(4, OrtStatus *, CreateEnvWithCustomLogger, \
         (OrtLog, void *context, int severity, const char *name, OrtEnv **)) \
    SLOT(7, OrtStatus *, CreateSession, \
         (const OrtEnv *, const char *path, const OrtSessionOptions *, OrtSession **)) \
    SLOT(9, OrtStatus *, Run, \
         (OrtSession *, const OrtRunOptions *, const char *const *input_names, const OrtValue *const *inputs, \
          size_t input_count, const char *const *output_names, size_t output_count, OrtValue **outputs)) \
    SLOT(10, OrtStatus *, CreateSessionOptions, (OrtSessionOptions **)) \
    SLOT(13, OrtStatus *, SetSessionExecutionMode, (OrtSessionOptions *, int mode)) \
    SLOT(17, OrtStatus *, DisableMemPattern, (OrtSessionOptions *)) \
    SLOT(19, OrtStatus *, DisableCpuMemArena, (OrtSessionOptions *)) \
    SLOT(23, OrtStatus *, SetSessionGraphOptimizationLevel, (OrtSessionOptions *, int level)) \
    SLOT(24, OrtStatus *, SetIntraOpNumThreads, (OrtSessionOptions *, int threads)) \
    SLOT(25, OrtStatus *, SetInterOpNumThreads, (OrtSessionOptions *, int threads)) \
    SLOT(30, OrtStatus *, SessionGetInputCount, (const OrtSession *, size_t *)) \
    SLOT(31, OrtStatus *, SessionGetOutputCount, (const OrtSession *, size_t *)) \
    SLOT(32, OrtStatus *, SessionGetOverridableInitializerCount, (const OrtSession *, size_t *)) \
    SLOT(33, OrtStatus *, SessionGetInputTypeInfo, (const OrtSession *, size_t index, OrtTypeInfo **)) \
    SLOT(34, OrtStatus *, SessionGetOutputTypeInfo, (const OrtSession *, size_t index, OrtTypeInfo **)) \
    SLOT(35, OrtStatus *, SessionGetOverridableInitializerTypeInfo, \
         (const OrtSession *, size_t index, OrtTypeInfo **)) \
    SLOT(36, OrtStatus *, SessionGetInputName, (const OrtSession *, size_t index, OrtAllocator *, char **)) \
    SLOT(37, OrtStatus *, SessionGetOutputName, (const OrtSession *, size_t index, OrtAllocator *, char **)) \
    SLOT(38, OrtStatus *, SessionGetOverridableInitializerName, \
         (const OrtSession *, size_t index, OrtAllocator *, char **)) \
    SLOT(39, OrtStatus *, CreateRunOptions, (OrtRunOptions **)) \
    SLOT(41, OrtStatus *, RunOptionsSetRunLogSeverityLevel, (OrtRunOptions *, int severity)) \
    SLOT(48, OrtStatus *, CreateTensorAsOrtValue, \
         (OrtAllocator *, const int64_t *shape, size_t rank, int type, OrtValue **)) \
    SLOT(49, OrtStatus *, CreateTensorWithDataAsOrtValue, \
         (const OrtMemoryInfo *, void *data, size_t size, const int64_t *shape, size_t rank, int type, OrtValue **)) \
    SLOT(51, OrtStatus *, GetTensorMutableData, (OrtValue *, void **)) \
    SLOT(53, OrtStatus *, GetStringTensorDataLength, (const OrtValue *, size_t *)) \
    SLOT(54, OrtStatus *, GetStringTensorContent, \
         (const OrtValue *, void *bytes, size_t size, size_t *offsets, size_t count)) \
    SLOT(55, OrtStatus *, CastTypeInfoToTensorInfo, (const OrtTypeInfo *, const OrtTensorInfo **)) \
    SLOT(56, OrtStatus *, GetOnnxTypeFromTypeInfo, (const OrtTypeInfo *, int *)) \
    SLOT(60, OrtStatus *, GetTensorElementType, (const OrtTensorInfo *, int *)) \
    SLOT(61, OrtStatus *, GetDimensionsCount, (const OrtTensorInfo *, size_t *)) \
    SLOT(62, OrtStatus *, GetDimensions, (const OrtTensorInfo *, int64_t *, size_t count)) \
    SLOT(63, OrtStatus *, GetSymbolicDimensions, (const OrtTensorInfo *, const char **, size_t count)) \
    SLOT(65, OrtStatus *, GetTensorTypeAndShape, (const OrtValue *, OrtTensorInfo **)) \
    SLOT(67, OrtStatus *, GetValueType, (const OrtValue *, int *)) \
    SLOT(69, OrtStatus *, CreateCpuMemoryInfo, (int allocator, int memory, OrtMemoryInfo **)) \
    SLOT(71, OrtStatus *, MemoryInfoGetName, (const OrtMemoryInfo *, const char **)) \
    SLOT(76, OrtStatus *, AllocatorFree, (OrtAllocator *, void *)) \
    SLOT(78, OrtStatus *, GetAllocatorWithDefaultOptions, (OrtAllocator **)) \
    SLOT(80, OrtStatus *, GetValue, (const OrtValue *, int index, OrtAllocator *, OrtValue **)) \
    SLOT(81, OrtStatus *, GetValueCount, (const OrtValue *, size_t *)) \
    SLOT(92, void, ReleaseEnv, (OrtEnv *)) \
    SLOT(93, void, ReleaseStatus, (OrtStatus *)) \
    SLOT(94, void, ReleaseMemoryInfo, (OrtMemoryInfo *)) \
    SLOT(95, void, ReleaseSession, (OrtSession *)) \
    SLOT(96, void, ReleaseValue, (OrtValue *)) \
    SLOT(97, void, ReleaseRunOptions, (OrtRunOptions *)) \
    SLOT(98, void, ReleaseTypeInfo, (OrtTypeInfo *)) \
    SLOT(99, void, ReleaseTensorTypeAndShapeInfo, (OrtTensorInfo *)) \
    SLOT(100, void, ReleaseSessionOptions, (OrtSessionOptions *)) \
    SLOT(103, OrtStatus *, CastTypeInfoToMapTypeInfo, (const OrtTypeInfo *, const OrtMapInfo **)) \
    SLOT(104, OrtStatus *, CastTypeInfoToSequenceTypeInfo, (const OrtTypeInfo *, const OrtSequenceInfo **)) \
    SLOT(105, OrtStatus *, GetMapKeyType, (const OrtMapInfo *, int *)) \
    SLOT(106, OrtStatus *, GetMapValueType, (const OrtMapInfo *, OrtTypeInfo **)) \
    SLOT(107, OrtStatus *, GetSequenceElementType, (const OrtSequenceInfo *, OrtTypeInfo **)) \
    SLOT(120, OrtStatus *, DisablePerSessionThreads, (OrtSessionOptions *)) \
    SLOT(121, OrtStatus *, CreateThreadingOptions, (OrtThreadingOptions **)) \
    SLOT(122, void, ReleaseThreadingOptions, (OrtThreadingOptions *)) \
    SLOT(124, OrtStatus *, AddFreeDimensionOverrideByName, (OrtSessionOptions *, const char *name, int64_t size)) \
    SLOT(125, OrtStatus *, GetAvailableProviders, (char ***, int *count)) \
    SLOT(126, OrtStatus *, ReleaseAvailableProviders, (char **, int count)) \
    SLOT(130, OrtStatus *, AddSessionConfigEntry, (OrtSessionOptions *, const char *name, const char *value)) \
    SLOT(147, OrtStatus *, SetGlobalIntraOpNumThreads, (OrtThreadingOptions *, int threads)) \
    SLOT(148, OrtStatus *, SetGlobalInterOpNumThreads, (OrtThreadingOptions *, int threads)) \
    SLOT(149, OrtStatus *, SetGlobalSpinControl, (OrtThreadingOptions *, int allow)) \
    SLOT(151, OrtStatus *, CreateEnvWithCustomLoggerAndGlobalThreadPools, \
         (OrtLog, void *context, int severity, const char *name, const OrtThreadingOptions *, OrtEnv **)) \
    ORT_PROVIDER_FUNCTIONS(SLOT, TensorRT, 170, 171, 172, 174) \
    SLOT(192, OrtStatus *, HasValue, (const OrtValue *, int *)) \
    ORT_PROVIDER_FUNCTIONS(SLOT, CUDA, 204, 205, 206, 208) \
    SLOT(216, OrtStatus *, SessionOptionsAppendExecutionProvider, \
         (OrtSessionOptions *, const char *name, const char *const *names, const char *const *values, size_t count)) \
    ORT_PROVIDER_FUNCTIONS(SLOT, CANN, 220, 221, 222, 224) \
    ORT_PROVIDER_FUNCTIONS(SLOT, Dnnl, 239, 240, 241, 243) \
    SLOT(250, OrtStatus *, CastTypeInfoToOptionalTypeInfo, (const OrtTypeInfo *, const OrtOptionalInfo **)) \
    SLOT(251, OrtStatus *, GetOptionalContainedTypeInfo, (const OrtOptionalInfo *, OrtTypeInfo **)) \
    SLOT(252, OrtStatus *, GetResizedStringTensorElementBuffer, \
         (OrtValue *, size_t index, size_t size, char **)) \
    SLOT(273, OrtStatus *, SetDeterministicCompute, (OrtSessionOptions *, _Bool))

#define ORT_DECLARE(number, result, name, parameters) result(*name) parameters;

/* Copied out of the library's table, so that those in use lie close together. */
typedef struct OrtFunctions {
    ORT_FUNCTIONS(ORT_DECLARE)
} OrtFunctions;

/* What OrtGetApiBase returns; it has no version and never changes. */
typedef struct OrtBase {
    const void *const *(*GetApi)(uint32_t version);
    const char *(*GetVersionString)(void);
} OrtBase;

#endif
