#include "Adapter.h"

#include <stdlib.h>
#include <string.h>

typedef struct LibrarySymbols {
    const OrtBase *(*base)(void);
} LibrarySymbols;

static const char *const library_names[] = {"libonnxruntime.so", "libonnxruntime.so.1", "libonnxruntime.so.1.*", NULL};
static const adapter_symbol library_symbols[] = {{"OrtGetApiBase", offsetof(LibrarySymbols, base), false}, {0}};
static const adapter_library_search search = {
    .adapter = "onnxruntime", .framework = "ONNX Runtime", .environment = "SLIPWAY_ONNXRUNTIME_LIBRARY",
    .names = library_names, .symbols = library_symbols,
};
static adapter_library library = ADAPTER_LIBRARY_INITIAL;
static LibrarySymbols symbols;

/* The model whose session is being made on this thread: what the runtime has to say meanwhile is about it. */
static _Thread_local const char *subject;

void runtime_log_about(const char *model) {
    subject = model;
}

static void log_line(
    void *context, int severity, const char *category, const char *logger, const char *location, const char *message) {
    (void)category, (void)logger, (void)location;
    const slipway_adapter_state *state = context;
    static const slipway_log_level levels[] = {
        SLIPWAY_LOG_DEBUG, SLIPWAY_LOG_INFO, SLIPWAY_LOG_WARNING, SLIPWAY_LOG_ERROR, SLIPWAY_LOG_ERROR};
    bool is_known = severity >= 0 && (size_t)severity < sizeof levels / sizeof *levels;
    adapter_log(
        state->host, is_known ? levels[severity] : SLIPWAY_LOG_WARNING, "%s%sONNX Runtime: %s", subject ? subject : "",
        subject ? ": " : "", message);
}

/* Whether the functions do what their names say, as far as a few of them tell at once: a table in another order would
 * crash sooner or later, with any model. */
static bool table_is_as_declared(const OrtFunctions *call, OrtMemoryInfo **memory) {
    OrtStatus *status = call->CreateStatus(ORT_INVALID_GRAPH, "as declared");
    if (!status) return false;
    const char *message = call->GetErrorMessage(status);
    bool is_same = call->GetErrorCode(status) == ORT_INVALID_GRAPH && message && !strcmp(message, "as declared");
    call->ReleaseStatus(status);
    if (!is_same || call->CreateCpuMemoryInfo(ORT_DEVICE_ALLOCATOR, ORT_MEMORY_DEFAULT, memory) != NULL) return false;
    const char *name = NULL;
    return !call->MemoryInfoGetName(*memory, &name) && name && !strcmp(name, "Cpu");
}

static slipway_status *take_functions(slipway_adapter_state *state) {
    Runtime *runtime = &state->runtime;
    const OrtBase *base = symbols.base();
    const char *version = base ? base->GetVersionString() : NULL;
    const void *const *table = base ? base->GetApi(ORT_INTERFACE_VERSION) : NULL;
    if (!table) {
        return adapter_status(
            state->host, SLIPWAY_UNAVAILABLE, "%s is ONNX Runtime %s, which is too old; 1.%d or newer is needed",
            library.path, version ? version : "of an unknown version", ORT_INTERFACE_VERSION);
    }
#define TAKE(number, result, name, parameters) \
    runtime->call.name = (result(*) parameters)(uintptr_t)table[number];
    ORT_FUNCTIONS(TAKE)
    if (!table_is_as_declared(&runtime->call, &runtime->memory)) {
        return adapter_status(
            state->host, SLIPWAY_UNAVAILABLE, "%s calls itself ONNX Runtime %s and does not behave like it",
            library.path, version);
    }
    strncpy(runtime->version, version, sizeof runtime->version - 1);
    return NULL;
}

static OrtStatus *make_environment(slipway_adapter_state *state) {
    Runtime *runtime = &state->runtime;
    const OrtFunctions *call = &runtime->call;
    if (state->shared_threads == 0)
        return call->CreateEnvWithCustomLogger(log_line, state, ORT_LOG_WARNING, "", &runtime->environment);
    OrtThreadingOptions *threading = NULL;
    OrtStatus *failure = call->CreateThreadingOptions(&threading);
    if (!failure) failure = call->SetGlobalIntraOpNumThreads(threading, (int)state->shared_threads);
    if (!failure) failure = call->SetGlobalInterOpNumThreads(threading, 1);
    if (!failure) failure = call->SetGlobalSpinControl(threading, 0);
    if (!failure) {
        failure = call->CreateEnvWithCustomLoggerAndGlobalThreadPools(
            log_line, state, ORT_LOG_WARNING, "", threading, &runtime->environment);
    }
    if (threading) call->ReleaseThreadingOptions(threading);
    return failure;
}

static void release(slipway_adapter_state *state) {
    Runtime *runtime = &state->runtime;
    const OrtFunctions *call = &runtime->call;
    if (runtime->providers) {
        OrtStatus *failure = call->ReleaseAvailableProviders(runtime->providers, runtime->provider_count);
        if (failure) call->ReleaseStatus(failure);
    }
    if (runtime->quietly) call->ReleaseRunOptions(runtime->quietly);
    if (runtime->memory) call->ReleaseMemoryInfo(runtime->memory);
    if (runtime->environment) call->ReleaseEnv(runtime->environment);
    *runtime = (Runtime){0};
}

static slipway_status *open_unlocked(slipway_adapter_state *state) {
    slipway_status *refusal =
        adapter_library_open(state->host, &library, &search, state->library, state->folder, &symbols);
    if (!refusal) refusal = take_functions(state);
    if (refusal) return refusal;
    Runtime *runtime = &state->runtime;
    const OrtFunctions *call = &runtime->call;
    OrtStatus *failure = make_environment(state);
    if (!failure) failure = call->GetAllocatorWithDefaultOptions(&runtime->allocator);
    if (!failure) failure = call->GetAvailableProviders(&runtime->providers, &runtime->provider_count);
    if (!failure) failure = call->CreateRunOptions(&runtime->quietly);
    if (!failure) failure = call->RunOptionsSetRunLogSeverityLevel(runtime->quietly, ORT_LOG_FATAL);
    if (failure) return other_failure(state, failure, SLIPWAY_UNAVAILABLE, "ONNX Runtime can't start");
    return NULL;
}

slipway_status *runtime_open(slipway_adapter_state *state) {
    if (atomic_load_explicit(&state->is_open, memory_order_acquire)) return NULL;
    pthread_mutex_lock(&state->lock);
    slipway_status *refusal = NULL;
    if (!atomic_load_explicit(&state->is_open, memory_order_relaxed)) {
        refusal = open_unlocked(state);
        if (refusal) {
            release(state);
        } else {
            atomic_store_explicit(&state->is_open, true, memory_order_release);
        }
    }
    pthread_mutex_unlock(&state->lock);
    return refusal;
}

void runtime_close(slipway_adapter_state *state) {
    release(state);
    atomic_store_explicit(&state->is_open, false, memory_order_release);
}
