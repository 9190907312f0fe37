#include "Adapter.h"

#include <onnxruntime_adapter.h>

#include <stdlib.h>
#include <string.h>

static void close_adapter(slipway_adapter_state *state) {
    runtime_close(state);
    pthread_mutex_destroy(&state->lock);
    free(state->folder);
    free(state->library);
    free(state);
}

static slipway_status *read_options(slipway_adapter_state *state, slipway_bytes bytes) {
    adapter_options_message *message = NULL;
    slipway_status *refusal = adapter_options_unpack(state->host, bytes, &message);
    if (refusal) return refusal;
    adapter_settings settings;
    refusal = adapter_settings_of_adapter(state->host, message, adapter_options, &settings);
    if (!refusal) refusal = adapter_setting_integer(&settings, "shared_threads", 0, 1024, &state->shared_threads);
    state->folder = strdup(message->folder);
    state->library = strdup(message->library);
    if (!refusal && (!state->folder || !state->library)) refusal = adapter_out_of_memory(state->host, "a path");
    adapter_options_free(message);
    return refusal;
}

static slipway_status *open_adapter(const slipway_host *host, slipway_bytes options, slipway_adapter_state **state) {
    slipway_adapter_state *made = calloc(1, sizeof *made);
    if (!made) return adapter_out_of_memory(host, "an adapter");
    made->host = host;
    pthread_mutex_init(&made->lock, NULL);
    slipway_status *refusal = read_options(made, options);
    if (refusal) {
        close_adapter(made);
    } else {
        *state = made;
    }
    return refusal;
}

static slipway_status *describe_adapter(slipway_adapter_state *state, slipway_sink *sink) {
    static const char *const formats[] = {"onnx", NULL};
    const char **providers = NULL;
    bool is_open = atomic_load_explicit(&state->is_open, memory_order_acquire);
    const Runtime *runtime = &state->runtime;
    if (is_open && (providers = calloc((size_t)runtime->provider_count + 1, sizeof *providers))) {
        for (int index = 0; index < runtime->provider_count; ++index) providers[index] = runtime->providers[index];
    }
    slipway_status *refusal = adapter_about_write(
        state->host, sink,
        &(adapter_about){
            .name = "onnxruntime", .version = "1.0.0", .framework = "ONNX Runtime",
            .framework_version = is_open ? runtime->version : "", .formats = formats, .providers = providers,
            .options = model_options,
        });
    free(providers);
    return refusal;
}

static const slipway_adapter adapter = {
    .struct_size = sizeof(slipway_adapter), .major = SLIPWAY_ADAPTER_MAJOR, .minor = SLIPWAY_ADAPTER_MINOR,
    .open = open_adapter, .close = close_adapter, .describe = describe_adapter, .recognise = recognise,
    .estimate = estimate, .load = model_load, .unload = model_unload, .describe_model = model_describe,
    .execute = execute,
};

const slipway_adapter *slipway_adapter_entry(uint32_t major) {
    return major == SLIPWAY_ADAPTER_MAJOR ? &adapter : NULL;
}
