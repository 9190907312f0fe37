#include "Adapter.h"

#include <string.h>

/* The runtime begins many of its messages with where in its sources they come from, and ends some with a stack trace;
 * what is between them is for people. */
static const char *without_source(const char *message) {
    const char *source = strstr(message, "onnxruntime_src/");
    if (!source) return message;
    const char *line = strchr(source, ':');
    if (!line) return message;
    /* After file and line stands a function's signature, up to the last parenthesis before the text; a condition that
     * did not hold may follow, up to "was false.". */
    const char *condition = strstr(line, "was false. ");
    if (condition) return condition + strlen("was false. ");
    const char *signature = strstr(line, ") ");
    if (!signature) return message;
    signature += 2;
    for (const char *next; (next = strstr(signature, ") ")) && (next[-1] == '&' || next[-1] == '*');)
        signature = next + 2;
    if (!strncmp(signature, "const ", 6)) signature += 6;
    if (*signature == '[') {
        const char *bracket = strstr(signature, "] ");
        if (bracket) signature = bracket + 2;
    }
    return *signature ? signature : message;
}

static slipway_status *shortened(
    slipway_adapter_state *state, OrtStatus *failure, slipway_code code, const char *what) {
    enum { longest = 600 };
    const char *message = without_source(state->runtime.call.GetErrorMessage(failure));
    size_t size = strcspn(message, "\n");
    while (size > 0 && message[size - 1] == ' ') --size;
    bool is_cut = size > longest;
    if (is_cut) {
        size = longest;
        while (size > 0 && ((unsigned char)message[size] & 0xc0) == 0x80) --size;
    }
    slipway_status *status =
        adapter_status(state->host, code, "%s: %.*s%s", what, (int)size, message, is_cut ? "…" : "");
    state->runtime.call.ReleaseStatus(failure);
    return status;
}

static bool says(slipway_adapter_state *state, const OrtStatus *failure, const char *words) {
    return strstr(state->runtime.call.GetErrorMessage(failure), words) != NULL;
}

static bool is_short_of_memory(slipway_adapter_state *state, const OrtStatus *failure) {
    return says(state, failure, "Failed to allocate memory") || says(state, failure, "bad_alloc")
        || says(state, failure, "out of memory");
}

static slipway_code code_of_load(slipway_adapter_state *state, const OrtStatus *failure) {
    if (is_short_of_memory(state, failure)) return SLIPWAY_RESOURCE_EXHAUSTED;
    switch (state->runtime.call.GetErrorCode(failure)) {
    case ORT_NO_SUCH_FILE: return SLIPWAY_NOT_FOUND;
    case ORT_NOT_IMPLEMENTED: return SLIPWAY_UNIMPLEMENTED;
    case ORT_ENGINE_ERROR:
    case ORT_PROVIDER_FAILED: return SLIPWAY_UNAVAILABLE;
    default: break;
    }
    bool is_more_than_it_can = says(state, failure, "is not a registered function/op")
        || says(state, failure, "No Op registered for")
        || says(state, failure, "guarantees* support for models stamped with official released onnx opset")
        || says(state, failure, "Unsupported model IR version");
    return is_more_than_it_can ? SLIPWAY_UNIMPLEMENTED : SLIPWAY_FAILED_PRECONDITION;
}

slipway_status *load_failure(slipway_model *model, OrtStatus *failure, const char *path) {
    adapter_text what = {0};
    adapter_text_format(&what, "%s can't be loaded", path);
    slipway_status *status =
        shortened(model->state, failure, code_of_load(model->state, failure), adapter_text_string(&what));
    adapter_text_free(&what);
    return status;
}

slipway_status *execution_failure(slipway_model *model, OrtStatus *failure) {
    slipway_code code;
    switch (model->state->runtime.call.GetErrorCode(failure)) {
    case ORT_ENGINE_ERROR:
    case ORT_PROVIDER_FAILED: code = SLIPWAY_INTERNAL; break;
    case ORT_NOT_IMPLEMENTED: code = SLIPWAY_UNIMPLEMENTED; break;
    /* The model is sound, or it would not have loaded: an operator refuses what it is given. */
    default: code = SLIPWAY_INVALID_ARGUMENT; break;
    }
    if (is_short_of_memory(model->state, failure)) code = SLIPWAY_RESOURCE_EXHAUSTED;
    return shortened(model->state, failure, code, "the model can't compute this");
}

slipway_status *other_failure(
    slipway_adapter_state *state, OrtStatus *failure, slipway_code code, const char *what) {
    return shortened(state, failure, code, what);
}
