#include "Adapter.h"

#include <stdlib.h>
#include <string.h>

static slipway_status *open_adapter(const slipway_host *host, slipway_bytes options, slipway_adapter_state **state) {
    static const adapter_option none[] = {{NULL, NULL, NULL}};
    adapter_options_message *unpacked;
    slipway_status *status = adapter_options_unpack(host, options, &unpacked);
    if (status) return status;
    adapter_settings settings;
    status = adapter_settings_of_adapter(host, unpacked, none, &settings);
    slipway_adapter_state *made = status ? NULL : malloc(sizeof *made);
    if (!made) {
        adapter_options_free(unpacked);
        return status ? status : adapter_out_of_memory(host, "the adapter");
    }
    *made = (slipway_adapter_state){host, unpacked};
    *state = made;
    return NULL;
}

static void close_adapter(slipway_adapter_state *state) {
    adapter_options_free(state->options);
    free(state);
}

static slipway_status *describe(slipway_adapter_state *state, slipway_sink *sink) {
    return adapter_about_write(
        state->host, sink,
        &(adapter_about){
            .name = "xgboost",
            .version = "1.0",
            .framework = "XGBoost",
            .framework_version = xgboost_version(),
            .formats = (const char *const[]){"xgboost-json", "xgboost-ubj", NULL},
            .providers = xgboost_version() ? (const char *const[]){"cpu", NULL} : NULL,
            .options = xgboost_options,
        });
}

static slipway_status *recognise(slipway_adapter_state *state, slipway_bytes request, slipway_sink *sink) {
    adapter_load_request *unpacked;
    slipway_status *status = adapter_load_request_unpack(state->host, request, &unpacked);
    if (status) return status;
    trees_finding finding = trees_find(unpacked->folder, unpacked->file, "xgboost", xgboost_judge);
    const char *reason = finding.guess.reason ? finding.guess.reason : "no file with a `learner`";
    status = adapter_write_recognition(
        state->host, sink, finding.guess.certainty, finding.guess.format, finding.file, reason);
    free(finding.file);
    adapter_load_request_free(unpacked);
    return status;
}

static slipway_status *estimate(slipway_adapter_state *state, slipway_bytes request, slipway_sink *sink) {
    adapter_load_request *unpacked;
    slipway_status *status = adapter_load_request_unpack(state->host, request, &unpacked);
    if (status) return status;
    trees_finding finding = trees_find(unpacked->folder, unpacked->file, "xgboost", xgboost_judge);
    char *path;
    status = trees_path_found(state->host, unpacked->folder, unpacked->file, &finding, "an XGBoost model", &path);
    if (!status) {
        int64_t size = adapter_file_size(path);
        uint64_t bytes = size > 0 ? (uint64_t)size : 0;
        /* The file, its numbers as doubles, the library's own reading of it; then the two forests. */
        status = adapter_write_estimate(state->host, sink, bytes * 6 + (4 << 20), bytes * 2 + (1 << 20), 0);
        free(path);
    }
    free(finding.file);
    adapter_load_request_free(unpacked);
    return status;
}

static slipway_status *describe_model(slipway_model *model, slipway_sink *sink) {
    return adapter_description_write(model->host, sink, &model->description);
}

static const slipway_adapter adapter = {
    .struct_size = sizeof(slipway_adapter),
    .major = SLIPWAY_ADAPTER_MAJOR,
    .minor = SLIPWAY_ADAPTER_MINOR,
    .open = open_adapter,
    .close = close_adapter,
    .describe = describe,
    .recognise = recognise,
    .estimate = estimate,
    .load = xgboost_load,
    .unload = xgboost_unload,
    .describe_model = describe_model,
    .execute = xgboost_execute,
};

const slipway_adapter *slipway_adapter_entry(uint32_t major) {
    return major == SLIPWAY_ADAPTER_MAJOR ? &adapter : NULL;
}
