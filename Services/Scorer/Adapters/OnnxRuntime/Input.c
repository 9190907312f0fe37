#include "Adapter.h"

#include <string.h>

static void add_shape(adapter_text *text, const Port *port) {
    if (port->any_shape) return adapter_text_add(text, "of any shape");
    adapter_text_add(text, "of shape [");
    for (uint32_t axis = 0; axis < port->rank; ++axis) {
        const char *separator = axis ? ", " : "";
        if (port->shape[axis] >= 0) {
            adapter_text_format(text, "%s%lld", separator, (long long)port->shape[axis]);
        } else {
            bool is_named = port->symbols && port->symbol_names[axis];
            adapter_text_format(text, "%s%s", separator, is_named ? port->symbol_names[axis] : "any");
        }
    }
    adapter_text_add(text, "]");
}

/* What was given, and what would be right. */
static slipway_status *refuse(slipway_model *model, const Port *port, const slipway_tensor *tensor) {
    adapter_text wanted = {0}, given = {0};
    add_shape(&wanted, port);
    Port as_given = {.rank = tensor->rank, .shape = (int64_t *)(uintptr_t)tensor->shape};
    add_shape(&given, &as_given);
    slipway_status *status = adapter_status(
        model->state->host, SLIPWAY_INVALID_ARGUMENT, "the input `%s` is %s %s; the model takes %s %s", port->name,
        adapter_datatype_name(tensor->datatype), adapter_text_string(&given), adapter_datatype_name(port->datatype),
        adapter_text_string(&wanted));
    adapter_text_free(&wanted);
    adapter_text_free(&given);
    return status;
}

static bool fits(const Port *port, const slipway_tensor *tensor) {
    if (tensor->datatype != port->datatype) return false;
    if (port->any_shape) return true;
    if (tensor->rank != port->rank) return false;
    for (uint32_t axis = 0; axis < port->rank; ++axis) {
        if (port->shape[axis] >= 0 && port->shape[axis] != tensor->shape[axis]) return false;
    }
    return true;
}

/* A bool that is neither 0 nor 1 is undefined in the runtime's language. */
static bool are_bools(const uint8_t *bytes, uint64_t size) {
    uint8_t seen = 0;
    for (uint64_t index = 0; index < size; ++index) seen |= bytes[index];
    return seen <= 1;
}

slipway_status *input_value(
    slipway_model *model, const Port *port, const slipway_tensor *tensor, OrtValue **value) {
    if (!fits(port, tensor)) return refuse(model, port, tensor);
    if (port->datatype == SLIPWAY_BYTES) return strings_in(model, tensor, value);
    if (port->datatype == SLIPWAY_BOOL && !are_bools(tensor->data, tensor->size)) {
        return adapter_status(
            model->state->host, SLIPWAY_INVALID_ARGUMENT, "the input `%s` is BOOL and has bytes other than 0 and 1",
            port->name);
    }
    const Runtime *runtime = &model->state->runtime;
    static char nothing[64] __attribute__((aligned(64)));
    void *data = tensor->size ? (void *)(uintptr_t)tensor->data : nothing;
    OrtStatus *failure = runtime->call.CreateTensorWithDataAsOrtValue(
        runtime->memory, data, tensor->size, tensor->shape, tensor->rank, port->element, value);
    if (!failure) return NULL;
    *value = NULL;
    return other_failure(model->state, failure, SLIPWAY_INVALID_ARGUMENT, port->name);
}
