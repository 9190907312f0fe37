#include "trees_adapter.h"

#include <stdlib.h>

slipway_status *trees_adapter_open(
    const trees_framework *framework, const slipway_host *host, slipway_bytes options, slipway_adapter_state **state) {
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
    *made = (slipway_adapter_state){host, framework, unpacked};
    *state = made;
    return NULL;
}

void trees_adapter_close(slipway_adapter_state *state) {
    adapter_options_free(state->options);
    free(state);
}

slipway_status *trees_adapter_describe(slipway_adapter_state *state, slipway_sink *sink) {
    const trees_framework *framework = state->framework;
    return adapter_about_write(
        state->host, sink,
        &(adapter_about){
            .name = framework->name,
            .version = "1.0",
            .framework = framework->framework,
            .framework_version = framework->version ? framework->version() : NULL,
            .formats = framework->formats,
            .providers = framework->path() ? (const char *const[]){"cpu", NULL} : NULL,
            .options = framework->options,
        });
}

static trees_finding find(const trees_framework *framework, const adapter_load_request *request) {
    return trees_find(request->folder, request->file, framework->name, framework->judge);
}

slipway_status *trees_adapter_recognise(slipway_adapter_state *state, slipway_bytes request, slipway_sink *sink) {
    adapter_load_request *unpacked;
    slipway_status *status = adapter_load_request_unpack(state->host, request, &unpacked);
    if (status) return status;
    trees_finding finding = find(state->framework, unpacked);
    const char *reason = finding.guess.reason ? finding.guess.reason : state->framework->absence;
    status = adapter_write_recognition(
        state->host, sink, finding.guess.certainty, finding.guess.format, finding.file, reason);
    free(finding.file);
    adapter_load_request_free(unpacked);
    return status;
}

slipway_status *trees_adapter_estimate(slipway_adapter_state *state, slipway_bytes request, slipway_sink *sink) {
    const trees_framework *framework = state->framework;
    adapter_load_request *unpacked;
    slipway_status *status = adapter_load_request_unpack(state->host, request, &unpacked);
    if (status) return status;
    trees_finding finding = find(framework, unpacked);
    char *path;
    status = trees_path_found(state->host, unpacked->folder, unpacked->file, &finding, framework->model, &path);
    if (!status) {
        int64_t size = adapter_file_size(path);
        uint64_t bytes = size > 0 ? (uint64_t)size : 0;
        /* The file and what is read of it; then the library's trees and ours. */
        status = adapter_write_estimate(
            state->host, sink, bytes * framework->loading_factor + (4 << 20), bytes * 2 + (1 << 20), 0);
        free(path);
    }
    free(finding.file);
    adapter_load_request_free(unpacked);
    return status;
}

slipway_status *trees_adapter_load(slipway_adapter_state *state, slipway_bytes request, slipway_model **model) {
    adapter_load_request *unpacked;
    slipway_status *status = adapter_load_request_unpack(state->host, request, &unpacked);
    if (status) return status;
    status = state->framework->load(state, unpacked, model);
    adapter_load_request_free(unpacked);
    return status;
}

slipway_status *trees_adapter_read(
    slipway_adapter_state *state, const adapter_load_request *request, char **path, char **contents, size_t *size) {
    trees_finding finding = find(state->framework, request);
    slipway_status *status = trees_read_found(
        state->host, request->folder, request->file, &finding, state->framework->model, path, contents, size);
    free(finding.file);
    return status;
}

slipway_status *trees_damaged(
    const slipway_host *host, const char *path, const char *framework, const char *format, va_list arguments) {
    adapter_text text = {0};
    adapter_text_format(&text, "%s is no %s model that can be served: ", path, framework);
    adapter_text_format_with(&text, format, arguments);
    slipway_status *status = adapter_status(host, SLIPWAY_FAILED_PRECONDITION, "%s", adapter_text_string(&text));
    adapter_text_free(&text);
    return status;
}
