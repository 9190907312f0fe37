#include "Adapter.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Options of one provider, as the runtime takes them. */
typedef struct Given {
    const char **names;
    const char **values;
    size_t count;
} Given;

/* Providers whose options are an object of their own; all others are reached by name. */
typedef struct Kind {
    const char *name;
    size_t append, create, update, release; /* places in OrtFunctions */
} Kind;

#define KIND(spelling, name) \
    {spelling, offsetof(OrtFunctions, Append##name), offsetof(OrtFunctions, Create##name##Options), \
     offsetof(OrtFunctions, Update##name##Options), offsetof(OrtFunctions, Release##name##Options)}

static const Kind kinds[] = {
    KIND("CUDA", CUDA), KIND("TensorRT", TensorRT), KIND("CANN", CANN), KIND("DNNL", Dnnl),
};

/* The type of the function is the same for each kind. */
#define FUNCTION(call, place, like) (*(__typeof__((call)->like) const *)(const void *)((const char *)(call) + (place)))

static OrtStatus *append_kind(
    const OrtFunctions *call, const Kind *kind, OrtSessionOptions *options, const Given *given) {
    OrtProviderOptions *own = NULL;
    OrtStatus *failure = FUNCTION(call, kind->create, CreateCUDAOptions)(&own);
    if (failure) return failure;
    if (given->count)
        failure = FUNCTION(call, kind->update, UpdateCUDAOptions)(own, given->names, given->values, given->count);
    if (!failure) failure = FUNCTION(call, kind->append, AppendCUDA)(options, own);
    FUNCTION(call, kind->release, ReleaseCUDAOptions)(own);
    return failure;
}

/* The runtime names providers in one way in its list, `AzureExecutionProvider`, and wants some of them in another:
 * `AZURE`, `QNN`, `CoreML`. */
static OrtStatus *append_named(
    const OrtFunctions *call, const char *name, const char *listed, OrtSessionOptions *options, const Given *given) {
    char upper[64];
    size_t size = 0;
    for (; name[size] && size < sizeof upper - 1; ++size)
        upper[size] = (char)(name[size] >= 'a' && name[size] <= 'z' ? name[size] - 'a' + 'A' : name[size]);
    upper[size] = 0;
    const char *const spellings[] = {name, upper, listed};
    OrtStatus *first = NULL;
    for (size_t index = 0; index < sizeof spellings / sizeof *spellings; ++index) {
        OrtStatus *failure = call->SessionOptionsAppendExecutionProvider(
            options, spellings[index], given->names, given->values, given->count);
        if (!failure) {
            if (first) call->ReleaseStatus(first);
            return NULL;
        }
        if (first) {
            call->ReleaseStatus(failure);
        } else {
            first = failure;
        }
    }
    return first;
}

static const char suffix[] = "ExecutionProvider";

/* The size of a provider's name without what all end in. */
static size_t short_size(const char *name, size_t size) {
    size_t end = sizeof suffix - 1;
    bool has_suffix = size > end && !strncasecmp(name + size - end, suffix, end);
    return has_suffix ? size - end : size;
}

static bool are_same(const char *left, size_t left_size, const char *right, size_t right_size) {
    left_size = short_size(left, left_size);
    right_size = short_size(right, right_size);
    return left_size == right_size && !strncasecmp(left, right, left_size);
}

static const char *find(const Runtime *runtime, const char *name, size_t size) {
    for (int index = 0; index < runtime->provider_count; ++index) {
        const char *listed = runtime->providers[index];
        if (are_same(listed, strlen(listed), name, size)) return listed;
    }
    return NULL;
}

static slipway_status *not_there(slipway_adapter_state *state, const char *name, size_t size) {
    adapter_text list = {0};
    const Runtime *runtime = &state->runtime;
    for (int index = 0; index < runtime->provider_count; ++index) {
        const char *listed = runtime->providers[index];
        adapter_text_format(
            &list, "%s%.*s", index ? ", " : "", (int)short_size(listed, strlen(listed)), listed);
    }
    slipway_status *status = adapter_status(
        state->host, SLIPWAY_UNAVAILABLE,
        "the execution provider `%.*s` is not in this build of ONNX Runtime %s, which has: %s", (int)size, name,
        runtime->version, adapter_text_string(&list));
    adapter_text_free(&list);
    return status;
}

/* The options that are named `provider.<name>.<option>`. */
static slipway_status *collect(
    slipway_adapter_state *state, const adapter_load_request *request, size_t first, const char *name, size_t size,
    Given *given) {
    given->names = calloc(request->n_options - first + 1, sizeof *given->names);
    given->values = calloc(request->n_options - first + 1, sizeof *given->values);
    if (!given->names || !given->values) return adapter_out_of_memory(state->host, "options of a provider");
    for (size_t index = first; index < request->n_options; ++index) {
        const char *owner = request->options[index]->key;
        if (strncmp(owner, "provider.", 9) != 0) continue;
        owner += 9;
        size_t owner_size = strcspn(owner, ".");
        if (!owner[owner_size] || !are_same(owner, owner_size, name, size)) continue;
        given->names[given->count] = owner + owner_size + 1;
        given->values[given->count++] = request->options[index]->value;
    }
    return NULL;
}

static slipway_status *append(
    slipway_adapter_state *state, const adapter_load_request *request, size_t first, const char *listed, size_t size,
    OrtSessionOptions *options) {
    char name[64] = "";
    if (size < sizeof name) memcpy(name, listed, size);
    Given given = {0};
    slipway_status *refusal = collect(state, request, first, name, size, &given);
    if (!refusal) {
        const OrtFunctions *call = &state->runtime.call;
        const Kind *kind = NULL;
        for (size_t index = 0; index < sizeof kinds / sizeof *kinds; ++index) {
            if (!strcasecmp(kinds[index].name, name)) kind = &kinds[index];
        }
        OrtStatus *failure =
            kind ? append_kind(call, kind, options, &given) : append_named(call, name, listed, options, &given);
        if (failure) {
            adapter_text what = {0};
            adapter_text_format(&what, "the execution provider `%s` does not start", name);
            refusal = other_failure(state, failure, SLIPWAY_UNAVAILABLE, adapter_text_string(&what));
            adapter_text_free(&what);
        }
    }
    free(given.names);
    free(given.values);
    return refusal;
}

/* Options for a provider that is not asked for are a mistake. */
static slipway_status *check_owners(
    slipway_adapter_state *state, const adapter_load_request *request, size_t first, const char *wanted) {
    for (size_t index = first; index < request->n_options; ++index) {
        const char *option = request->options[index]->key;
        if (strncmp(option, "provider.", 9) != 0) continue;
        const char *owner = option + 9;
        size_t owner_size = strcspn(owner, ".");
        bool is_wanted = false;
        for (const char *name = wanted; *name && !is_wanted;) {
            size_t size = strcspn(name, ", ");
            is_wanted = size > 0 && are_same(name, size, owner, owner_size);
            name += size + strspn(name + size, ", ");
        }
        if (!is_wanted || !owner[owner_size] || !owner[owner_size + 1]) {
            return adapter_status(
                state->host, SLIPWAY_INVALID_ARGUMENT,
                "the option `%s` is of no provider in use: `provider` is `%s`, and such options are "
                "`provider.<name>.<option>`", option, wanted);
        }
    }
    return NULL;
}

slipway_status *providers_append(
    slipway_adapter_state *state, const adapter_load_request *request, const char *wanted, size_t first_option,
    OrtSessionOptions *options, adapter_text *chosen) {
    slipway_status *refusal = check_owners(state, request, first_option, wanted);
    for (const char *name = wanted + strspn(wanted, ", "); *name && !refusal;) {
        size_t size = strcspn(name, ", ");
        const char *listed = find(&state->runtime, name, size);
        if (!listed) return not_there(state, name, size);
        size_t listed_size = short_size(listed, strlen(listed));
        /* The processor needs no word: whatever the others don't take is its. */
        if (!are_same(listed, strlen(listed), "CPU", 3)) {
            refusal = append(state, request, first_option, listed, listed_size, options);
            adapter_text_format(chosen, "%.*s, ", (int)listed_size, listed);
        }
        name += size + strspn(name + size, ", ");
    }
    adapter_text_add(chosen, "CPU");
    return refusal;
}
