#include "Adapter.h"
#include "MLflow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file that is a model by name and structure, by structure alone, and by name alone. */
typedef struct Sight {
    const char *folder;
    char *named, *unnamed, *damaged;
} Sight;

static bool visit(void *context, const char *name) {
    Sight *sight = context;
    bool is_named = adapter_has_extension(name, ".onnx");
    if (!is_named && sight->unnamed) return true;
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", sight->folder, name);
    if (length < 0 || (size_t)length >= sizeof path) return true;
    if (!onnx_file_is_model(path)) {
        if (is_named && !sight->damaged) sight->damaged = strdup(name);
        return true;
    }
    if (!is_named) {
        sight->unnamed = strdup(name);
        return true;
    }
    sight->named = strdup(name);
    return false;
}

static slipway_status *say(
    const slipway_host *host, slipway_sink *sink, uint32_t certainty, const char *file, const char *reason) {
    return adapter_write_recognition(host, sink, certainty, certainty ? "onnx" : "", file, reason);
}

static slipway_status *recognise_file(
    const slipway_host *host, slipway_sink *sink, const char *folder, const char *file) {
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", folder, file);
    bool fits = length > 0 && (size_t)length < sizeof path;
    bool is_model = fits && onnx_file_is_model(path);
    bool is_named = adapter_has_extension(file, ".onnx");
    if (is_model && is_named) return say(host, sink, 100, file, "an ONNX model by its name and by its structure");
    if (is_model) return say(host, sink, 80, file, "an ONNX model by its structure");
    if (is_named) return say(host, sink, 20, file, "named like an ONNX model, and none by its structure: damaged?");
    return say(host, sink, 0, file, "no ONNX model by its structure");
}

static slipway_status *recognise_folder(const slipway_host *host, slipway_sink *sink, const char *folder) {
    char *data = mlflow_onnx_path(folder);
    if (data) {
        slipway_status *refusal = say(host, sink, 100, data, "MLflow's MLmodel names the flavour `onnx`");
        free(data);
        return refusal;
    }
    Sight sight = {.folder = folder};
    bool could_read = adapter_folder_visit(folder, visit, &sight);
    /* Loading one that is damaged tells more than that there is none. */
    const char *seen = sight.named ? sight.named : sight.unnamed ? sight.unnamed : sight.damaged;
    slipway_status *refusal = seen ? recognise_file(host, sink, folder, seen)
        : say(host, sink, 0, "", could_read ? "no file in the folder is an ONNX model" : "the folder can't be read");
    free(sight.named);
    free(sight.unnamed);
    free(sight.damaged);
    return refusal;
}

slipway_status *recognise(slipway_adapter_state *state, slipway_bytes load_request, slipway_sink *sink) {
    adapter_load_request *request = NULL;
    slipway_status *refusal = adapter_load_request_unpack(state->host, load_request, &request);
    if (refusal) return refusal;
    if (*request->file) {
        char *path = NULL;
        refusal = adapter_path_join(state->host, request->folder, request->file, &path);
        if (!refusal && adapter_is_folder(path)) {
            refusal = recognise_folder(state->host, sink, path);
        } else if (!refusal) {
            refusal = recognise_file(state->host, sink, request->folder, request->file);
        }
        free(path);
    } else {
        refusal = recognise_folder(state->host, sink, request->folder);
    }
    adapter_load_request_free(request);
    return refusal;
}

slipway_status *estimate(slipway_adapter_state *state, slipway_bytes load_request, slipway_sink *sink) {
    adapter_load_request *request = NULL;
    slipway_status *refusal = adapter_load_request_unpack(state->host, load_request, &request);
    if (refusal) return refusal;
    char *path = NULL;
    OnnxFile file = {0};
    refusal = locate_model(state->host, request, &path);
    if (!refusal) refusal = onnx_file_read(state->host, path, &file);
    if (!refusal) {
        /* Weights are held once as they are and, of many operators, once more in the order that suits the processor;
         * while a file loads its message stands beside them. A session itself takes about a megabyte. */
        uint64_t session = 1 << 20;
        uint64_t loaded = session + (file.file_bytes + file.external_bytes) * 3 / 2;
        refusal = adapter_write_estimate(state->host, sink, loaded + file.file_bytes, loaded, 0);
    }
    onnx_file_free(&file);
    free(path);
    adapter_load_request_free(request);
    return refusal;
}
