#include "Adapter.h"

#include "Worker.h"

#include <stdlib.h>
#include <string.h>

const adapter_option python_adapter_options[] = {
    {"interpreter", "The Python that runs models which name none: a path, or a name in PATH.", NULL},
    {NULL, NULL, NULL},
};

static slipway_status *open_adapter(const slipway_host *host, slipway_bytes options, slipway_adapter_state **opened) {
    slipway_adapter_state *state = calloc(1, sizeof *state);
    if (!state) return adapter_out_of_memory(host, "the adapter");
    state->host = host;
    state->poll = state->wake = state->archive = -1;
    slipway_status *refusal = adapter_options_unpack(host, options, &state->options);
    adapter_settings settings;
    if (!refusal) refusal = adapter_settings_of_adapter(host, state->options, python_adapter_options, &settings);
    if (refusal) {
        adapter_options_free(state->options);
        free(state);
        return refusal;
    }
    pthread_mutex_init(&state->lock, NULL);
    *opened = state;
    return NULL;
}

static void close_adapter(slipway_adapter_state *state) {
    python_thread_stop(state);
    pthread_mutex_destroy(&state->lock);
    adapter_options_free(state->options);
    free(state);
}

static slipway_status *describe(slipway_adapter_state *state, slipway_sink *sink) {
    static const char *const formats[] = {"python", "pickle", "joblib", "mlflow", NULL};
    const adapter_about about = {
        .name = "python",
        .version = "1.0",
        .framework = "Python",
        .formats = formats,
        .options = python_model_options,
        .input_alignment = 1,
    };
    return adapter_about_write(state->host, sink, &about);
}

/* The entry that the request names, if it does. What else is wrong with its options is told when it is loaded. */
static const char *entry_of(const adapter_load_request *request) {
    const char *entry = NULL;
    for (size_t index = 0; index < request->n_options; ++index) {
        if (!strcmp(request->options[index]->key, "entry")) entry = request->options[index]->value;
    }
    return entry;
}

static slipway_status *recognise(slipway_adapter_state *state, slipway_bytes load_request, slipway_sink *sink) {
    adapter_load_request *request = NULL;
    slipway_status *refusal = adapter_load_request_unpack(state->host, load_request, &request);
    if (refusal) return refusal;
    python_finding finding;
    slipway_code code = python_find(request->folder, request->file, entry_of(request), &finding);
    /* That nothing is there is no error here: the folder is someone else's. */
    refusal = adapter_write_recognition(
        state->host, sink, code ? 0 : finding.certainty, code ? NULL : finding.format, code ? NULL : finding.file,
        finding.reason);
    python_finding_free(&finding);
    adapter_load_request_free(request);
    return refusal;
}

static bool add_size(void *context, const char *name) {
    struct folder_size {
        const char *folder;
        uint64_t size;
    } *sum = context;
    adapter_text path = {0};
    adapter_text_format(&path, "%s/%s", sum->folder, name);
    int64_t size = adapter_file_size(adapter_text_string(&path));
    if (size > 0) sum->size += (uint64_t)size;
    adapter_text_free(&path);
    return true;
}

/* A guess: an interpreter with numpy, and what lies in the folder, in each worker. */
static slipway_status *estimate(slipway_adapter_state *state, slipway_bytes load_request, slipway_sink *sink) {
    static const uint64_t interpreter = 32 << 20;
    adapter_load_request *request = NULL;
    slipway_status *refusal = adapter_load_request_unpack(state->host, load_request, &request);
    if (refusal) return refusal;
    struct folder_size {
        const char *folder;
        uint64_t size;
    } sum = {request->folder, 0};
    adapter_folder_visit(request->folder, add_size, &sum);
    refusal = adapter_write_estimate(state->host, sink, interpreter + 2 * sum.size, 1 << 20, interpreter + sum.size);
    adapter_load_request_free(request);
    return refusal;
}

static slipway_status *execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending) {
    if (!instance) return adapter_status(model->state->host, SLIPWAY_INTERNAL, "an execution needs an instance");
    /* First, for it may be completed before the call returns. */
    *pending = 1;
    return python_worker_execute((python_worker *)instance, execution);
}

static void cancel(slipway_model *model, slipway_instance *instance, slipway_execution *execution) {
    (void)model;
    if (instance) python_worker_cancel((python_worker *)instance, execution);
}

static const slipway_adapter table = {
    .struct_size = sizeof table,
    .major = SLIPWAY_ADAPTER_MAJOR,
    .minor = SLIPWAY_ADAPTER_MINOR,
    .open = open_adapter,
    .close = close_adapter,
    .describe = describe,
    .recognise = recognise,
    .estimate = estimate,
    .load = python_load,
    .unload = python_unload,
    .describe_model = python_describe_model,
    .create_instance = python_create_instance,
    .destroy_instance = python_destroy_instance,
    .execute = execute,
    .cancel = cancel,
    .metrics = python_metrics,
};

SLIPWAY_ADAPTER_EXPORT const slipway_adapter *slipway_adapter_entry(uint32_t major) {
    return major == SLIPWAY_ADAPTER_MAJOR ? &table : NULL;
}
