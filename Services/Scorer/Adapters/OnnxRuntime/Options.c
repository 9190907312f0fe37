#include "Adapter.h"

#include <stdlib.h>
#include <string.h>

const adapter_option adapter_options[] = {
    {"shared_threads", "Threads of one pool for all models without `intra_op_threads`; 0: a pool for each model.", "0"},
    {0},
};

const adapter_option model_options[] = {
    {"intra_op_threads", "Threads for one operator. 0: the load request's, or 1, as requests run side by side.", "0"},
    {"inter_op_threads", "Threads for operators side by side; of use with execution_mode parallel.", "1"},
    {"execution_mode", "sequential or parallel: whether operators of one execution run side by side.", "sequential"},
    {"graph_optimization_level", "disable, basic, extended or all: how far the graph is rewritten at load.", "all"},
    {"provider", "Execution providers, best first, with commas: `CUDA`, `TensorRT,CUDA`. The processor comes last.",
     "CPU"},
    {"provider.*", "`provider.<name>.<option>`: an option of an execution provider, `provider.CUDA.device_id`.", NULL},
    {"dimension.*", "`dimension.<name>`: fixes a dimension that the model leaves open.", NULL},
    {"allow_spinning", "Whether threads wait busily: faster, and a burden to others. Default: with two or more.", NULL},
    {"memory_arena", "Whether memory is kept for the next execution.", "true"},
    {"memory_pattern", "Whether memory of executions of equal shapes is planned ahead.", "true"},
    {"denormal_as_zero", "Whether the smallest floats count as zero.", "false"},
    {"deterministic", "Whether operators must not be faster where that makes results differ from run to run.", "false"},
    {"optional_inputs", "Whether inputs that have a default in the model may be given; else they keep it.", "true"},
    {0},
};

static bool is_named(const char *name, const char *prefix) {
    size_t size = strlen(prefix);
    return !strncmp(name, prefix, size) && name[size] && strcmp(name + size, "*") != 0;
}

static bool has_free_name(const char *name) {
    return is_named(name, "provider.") || is_named(name, "dimension.");
}

/* Puts options of free names last, the others first, each in their order; how many those others are. */
static size_t part_options(adapter_load_request *request) {
    size_t fixed = 0;
    for (size_t index = 0; index < request->n_options; ++index) {
        Slipway__Adapter__V1__LoadRequest__OptionsEntry *entry = request->options[index];
        if (has_free_name(entry->key)) continue;
        memmove(&request->options[fixed + 1], &request->options[fixed], (index - fixed) * sizeof(void *));
        request->options[fixed++] = entry;
    }
    return fixed;
}

static slipway_status *fix_dimensions(
    slipway_adapter_state *state, const adapter_load_request *request, size_t first, OrtSessionOptions *options) {
    for (size_t index = first; index < request->n_options; ++index) {
        const char *name = request->options[index]->key;
        const char *text = request->options[index]->value;
        if (!is_named(name, "dimension.")) continue;
        char *end = NULL;
        long long size = strtoll(text, &end, 10);
        if (*text < '0' || *text > '9' || *end || size <= 0) {
            return adapter_status(
                state->host, SLIPWAY_INVALID_ARGUMENT, "the option `%s` is `%s`; it is a whole number above 0", name,
                text);
        }
        OrtStatus *failure = state->runtime.call.AddFreeDimensionOverrideByName(
            options, name + strlen("dimension."), (int64_t)size);
        if (failure) return other_failure(state, failure, SLIPWAY_INVALID_ARGUMENT, name);
    }
    return NULL;
}

typedef struct Wishes {
    int64_t intra_threads, inter_threads;
    int mode, level;
    bool spinning, arena, pattern, denormal, deterministic;
} Wishes;

static const char *const modes[] = {"sequential", "parallel", NULL};
static const char *const levels[] = {"disable", "basic", "extended", "all", NULL};
static const int level_numbers[] = {0, 1, 2, 99};

static slipway_status *read_wishes(const adapter_settings *settings, Wishes *wishes, SessionFacts *facts) {
    slipway_status *refusal = adapter_setting_integer(settings, "intra_op_threads", 0, 1024, &wishes->intra_threads);
    if (!refusal) refusal = adapter_setting_integer(settings, "inter_op_threads", 1, 1024, &wishes->inter_threads);
    if (!refusal) refusal = adapter_setting_choice(settings, "execution_mode", modes, &wishes->mode);
    if (!refusal) refusal = adapter_setting_choice(settings, "graph_optimization_level", levels, &wishes->level);
    if (!refusal) refusal = adapter_setting_flag(settings, "memory_arena", &wishes->arena);
    if (!refusal) refusal = adapter_setting_flag(settings, "memory_pattern", &wishes->pattern);
    if (!refusal) refusal = adapter_setting_flag(settings, "denormal_as_zero", &wishes->denormal);
    if (!refusal) refusal = adapter_setting_flag(settings, "deterministic", &wishes->deterministic);
    if (!refusal) refusal = adapter_setting_flag(settings, "optional_inputs", &facts->optional_inputs);
    return refusal;
}

static OrtStatus *apply(slipway_adapter_state *state, const Wishes *wishes, OrtSessionOptions *options) {
    const OrtFunctions *call = &state->runtime.call;
    const char *spin = wishes->spinning ? "1" : "0";
    OrtStatus *failure;
    if (wishes->intra_threads == 0) {
        failure = call->DisablePerSessionThreads(options);
    } else {
        failure = call->SetIntraOpNumThreads(options, (int)wishes->intra_threads);
        if (!failure) failure = call->SetInterOpNumThreads(options, (int)wishes->inter_threads);
        if (!failure) failure = call->AddSessionConfigEntry(options, "session.intra_op.allow_spinning", spin);
        if (!failure) failure = call->AddSessionConfigEntry(options, "session.inter_op.allow_spinning", spin);
    }
    if (!failure) failure = call->SetSessionExecutionMode(options, wishes->mode);
    if (!failure) failure = call->SetSessionGraphOptimizationLevel(options, level_numbers[wishes->level]);
    if (!failure && !wishes->arena) failure = call->DisableCpuMemArena(options);
    /* Operators side by side and a plan of memory ahead exclude each other. */
    if (!failure && (!wishes->pattern || wishes->mode == 1)) failure = call->DisableMemPattern(options);
    if (!failure && wishes->denormal)
        failure = call->AddSessionConfigEntry(options, "session.set_denormal_as_zero", "1");
    if (!failure && wishes->deterministic) failure = call->SetDeterministicCompute(options, 1);
    /* The file was looked at as ONNX; let the runtime not take it for something else. */
    if (!failure) failure = call->AddSessionConfigEntry(options, "session.load_model_format", "ONNX");
    return failure;
}

/* Threads: the option, else the request's, else the pool that all share (0 here), else one. The server runs requests
 * side by side on threads of its own: there more threads for one request slow the others down. */
static int64_t threads_of(slipway_adapter_state *state, const adapter_load_request *request, int64_t wished) {
    if (wished > 0) return wished;
    if (request->threads > 0) return request->threads < 1024 ? request->threads : 1024;
    return state->shared_threads > 0 ? 0 : 1;
}

static slipway_status *fill(
    slipway_adapter_state *state, adapter_load_request *request, OrtSessionOptions *options, SessionFacts *facts) {
    size_t all = request->n_options;
    size_t fixed = part_options(request);
    adapter_settings settings;
    request->n_options = fixed;
    slipway_status *refusal = adapter_settings_of_model(state->host, request, model_options, &settings);
    request->n_options = all;
    Wishes wishes = {.inter_threads = 1};
    if (!refusal) refusal = read_wishes(&settings, &wishes, facts);
    if (refusal) return refusal;
    wishes.intra_threads = threads_of(state, request, wishes.intra_threads);
    wishes.spinning = wishes.intra_threads > 1 || wishes.inter_threads > 1;
    refusal = adapter_setting_flag(&settings, "allow_spinning", &wishes.spinning);
    if (refusal) return refusal;
    OrtStatus *failure = apply(state, &wishes, options);
    if (failure) return other_failure(state, failure, SLIPWAY_INVALID_ARGUMENT, "these options are refused");
    facts->threads = wishes.intra_threads ? wishes.intra_threads : state->shared_threads;
    facts->optimization = levels[wishes.level];
    facts->parallel = wishes.mode == 1;
    refusal = fix_dimensions(state, request, fixed, options);
    if (refusal) return refusal;
    return providers_append(
        state, request, adapter_setting(&settings, "provider"), fixed, options, &facts->providers);
}

slipway_status *session_options_make(
    slipway_adapter_state *state, adapter_load_request *request, OrtSessionOptions **options, SessionFacts *facts) {
    const OrtFunctions *call = &state->runtime.call;
    OrtStatus *failure = call->CreateSessionOptions(options);
    if (failure) return other_failure(state, failure, SLIPWAY_INTERNAL, "ONNX Runtime makes no options");
    slipway_status *refusal = fill(state, request, *options, facts);
    if (refusal) {
        call->ReleaseSessionOptions(*options);
        *options = NULL;
    }
    return refusal;
}
