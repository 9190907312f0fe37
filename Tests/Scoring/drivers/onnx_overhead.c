/* What the adapter of ONNX Runtime costs on top of the runtime: microseconds of one execution of the same model through
 * the adapter and through the runtime's own function, in turns, the best of several rounds each.
 *
 *   onnx_overhead ADAPTER LIBRARY FOLDER FILE ROWS COLUMNS
 *
 * The model takes one FP32 input `x` of ROWS x COLUMNS and has one output `y`. At the end stands how much the process
 * grew during the executions. */
#include <OrtFunctions.h>
#include <adapter.pb-c.h>
#include <slipway_adapter.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 7, EXECUTIONS = 20000 };

static _Alignas(64) char answer[1 << 24];

static slipway_status *make_status(void *context, slipway_code code, const char *message, uint64_t size) {
    (void)context;
    fprintf(stderr, "status %d: %.*s\n", code, (int)size, message);
    return (slipway_status *)answer;
}

static void log_line(void *context, slipway_log_level level, const char *message, uint64_t size) {
    (void)context, (void)level;
    fprintf(stderr, "%.*s\n", (int)size, message);
}

static void *output(
    void *context, slipway_execution *execution, slipway_bytes name, slipway_datatype datatype, const int64_t *shape,
    uint32_t rank, uint64_t size, slipway_status **refusal) {
    (void)context, (void)execution, (void)name, (void)datatype, (void)shape, (void)rank, (void)refusal;
    if (size > sizeof answer) exit(3);
    return answer;
}

static int32_t is_cancelled(void *context, const slipway_execution *execution) {
    (void)context, (void)execution;
    return 0;
}

static void check(const void *failure, const char *what) {
    if (!failure) return;
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static long resident_kilobytes(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    long total = 0, resident = 0;
    if (!file || fscanf(file, "%ld %ld", &total, &resident) != 2) exit(1);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* The runtime by itself. */
typedef struct Direct {
    OrtFunctions call;
    OrtEnv *environment;
    OrtSession *session;
    OrtMemoryInfo *memory;
} Direct;

static void quiet(void *context, int severity, const char *category, const char *logger, const char *location,
    const char *message) {
    (void)context, (void)severity, (void)category, (void)logger, (void)location, (void)message;
}

static Direct open_direct(const char *library, const char *path) {
    Direct direct = {0};
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle) exit(1);
    const OrtBase *(*base)(void) = (const OrtBase *(*)(void))dlsym(handle, "OrtGetApiBase");
    const void *const *table = base()->GetApi(ORT_INTERFACE_VERSION);
#define TAKE(number, result, name, parameters) direct.call.name = (result(*) parameters)(uintptr_t)table[number];
    ORT_FUNCTIONS(TAKE)
    OrtSessionOptions *options;
    check(direct.call.CreateEnvWithCustomLogger(quiet, NULL, ORT_LOG_ERROR, "", &direct.environment), "environment");
    check(direct.call.CreateSessionOptions(&options), "options");
    check(direct.call.SetIntraOpNumThreads(options, 1), "threads");
    check(direct.call.CreateSession(direct.environment, path, options, &direct.session), "session");
    direct.call.ReleaseSessionOptions(options);
    check(direct.call.CreateCpuMemoryInfo(ORT_DEVICE_ALLOCATOR, ORT_MEMORY_DEFAULT, &direct.memory), "memory");
    return direct;
}

/* What a program does that uses the runtime alone: a value around its input, a run, a look at the output. */
static void run_direct(const Direct *direct, float *data, const int64_t *shape) {
    static const char *const inputs[] = {"x"}, *const outputs[] = {"y"};
    OrtValue *input = NULL, *result = NULL;
    void *scores;
    check(direct->call.CreateTensorWithDataAsOrtValue(
              direct->memory, data, (size_t)(shape[0] * shape[1]) * 4, shape, 2, ORT_FLOAT, &input), "input");
    const OrtValue *given = input;
    check(direct->call.Run(direct->session, NULL, inputs, &given, 1, outputs, 1, &result), "run");
    check(direct->call.GetTensorMutableData(result, &scores), "data");
    memcpy(answer, scores, (size_t)shape[0] * 4);
    direct->call.ReleaseValue(result);
    direct->call.ReleaseValue(input);
}

int main(int count, char **arguments) {
    if (count != 7) return 2;
    int64_t shape[2] = {atoll(arguments[5]), atoll(arguments[6])};
    float *data = calloc((size_t)(shape[0] * shape[1]), sizeof *data);
    void *handle = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (!handle || !data) return fprintf(stderr, "%s\n", dlerror()), 1;
    slipway_adapter_entry_function entry = (slipway_adapter_entry_function)dlsym(handle, SLIPWAY_ADAPTER_ENTRY);
    const slipway_adapter *adapter = entry(SLIPWAY_ADAPTER_MAJOR);
    slipway_host host = {
        .struct_size = sizeof host, .major = 1, .status = make_status, .log = log_line, .output = output,
        .is_cancelled = is_cancelled};
    slipway_adapter_state *state;
    slipway_model *model;
    uint8_t bytes[8192];
    Slipway__Adapter__V1__AdapterOptions options = SLIPWAY__ADAPTER__V1__ADAPTER_OPTIONS__INIT;
    options.library = arguments[2];
    uint64_t size = slipway__adapter__v1__adapter_options__pack(&options, bytes);
    check(adapter->open(&host, (slipway_bytes){bytes, size}, &state), "open");
    Slipway__Adapter__V1__LoadRequest request = SLIPWAY__ADAPTER__V1__LOAD_REQUEST__INIT;
    request.folder = arguments[3];
    request.file = arguments[4];
    size = slipway__adapter__v1__load_request__pack(&request, bytes);
    check(adapter->load(state, (slipway_bytes){bytes, size}, &model), "load");
    snprintf((char *)bytes, sizeof bytes, "%s/%s", arguments[3], arguments[4]);
    Direct direct = open_direct(arguments[2], (char *)bytes);

    slipway_tensor tensor = {
        .struct_size = sizeof tensor, .datatype = SLIPWAY_FP32, .name = {"x", 1}, .shape = shape, .rank = 2,
        .data = data, .size = (uint64_t)(shape[0] * shape[1]) * 4};
    double best[2] = {1e9, 1e9};
    long before = 0;
    for (int round = 0; round < ROUNDS; ++round) {
        if (round == 1) before = resident_kilobytes();
        double start = seconds();
        for (int index = 0; index < EXECUTIONS; ++index) run_direct(&direct, data, shape);
        double middle = seconds();
        for (int index = 0; index < EXECUTIONS; ++index) {
            slipway_execution execution = {
                .struct_size = sizeof execution, .input_count = 1, .inputs = &tensor, .request_count = 1};
            int32_t pending = 0;
            check(adapter->execute(model, NULL, &execution, &pending), "execute");
        }
        double end = seconds();
        if (middle - start < best[0]) best[0] = middle - start;
        if (end - middle < best[1]) best[1] = end - middle;
    }
    printf("runtime %.3f us, adapter %.3f us, more by %.3f us; grew by %ld KiB in %d executions\n",
        best[0] / EXECUTIONS * 1e6, best[1] / EXECUTIONS * 1e6, (best[1] - best[0]) / EXECUTIONS * 1e6,
        resident_kilobytes() - before, (ROUNDS - 1) * EXECUTIONS);
    direct.call.ReleaseSession(direct.session);
    direct.call.ReleaseMemoryInfo(direct.memory);
    direct.call.ReleaseEnv(direct.environment);
    free(data);
    adapter->unload(model);
    adapter->close(state);
    return 0;
}
