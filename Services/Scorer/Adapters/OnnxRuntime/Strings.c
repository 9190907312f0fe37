#include "Adapter.h"

#include <stdlib.h>
#include <string.h>

static OrtStatus *fill(const OrtFunctions *call, OrtValue *value, const uint8_t *bytes, uint64_t size) {
    OrtStatus *failure = NULL;
    /* The host has checked that the elements fill the memory exactly. */
    for (size_t index = 0; size >= 4 && !failure; ++index) {
        uint32_t length;
        memcpy(&length, bytes, sizeof length);
        if (length > size - 4) break;
        char *room = NULL;
        failure = call->GetResizedStringTensorElementBuffer(value, index, length, &room);
        if (!failure) memcpy(room, bytes + 4, length);
        bytes += 4 + (uint64_t)length;
        size -= 4 + (uint64_t)length;
    }
    return failure;
}

slipway_status *strings_in(slipway_model *model, const slipway_tensor *tensor, OrtValue **value) {
    const Runtime *runtime = &model->state->runtime;
    OrtStatus *failure = runtime->call.CreateTensorAsOrtValue(
        runtime->allocator, tensor->shape, tensor->rank, ORT_STRING, value);
    if (failure) {
        *value = NULL;
    } else {
        failure = fill(&runtime->call, *value, tensor->data, tensor->size);
    }
    return failure ? other_failure(model->state, failure, SLIPWAY_RESOURCE_EXHAUSTED, "texts can't be taken in") : NULL;
}

/* Texts come from the runtime back to back with the offsets of each. They are written to the end of the output and
 * moved to the front one after the other, each behind its length: the room before them is that of the lengths still to
 * come, so nothing is overwritten that was not moved. */
static void interleave(uint8_t *bytes, size_t text_size, const size_t *offsets, uint64_t count) {
    uint8_t *texts = bytes + 4 * count;
    for (uint64_t index = 0; index < count; ++index) {
        size_t start = offsets[index];
        size_t end = index + 1 < count ? offsets[index + 1] : text_size;
        uint32_t length = (uint32_t)(end - start);
        uint8_t *room = bytes + 4 * index + start;
        memmove(room + 4, texts + start, length);
        memcpy(room, &length, sizeof length);
    }
}

slipway_status *strings_out(
    slipway_model *model, const Port *port, slipway_execution *execution, const OrtValue *value, const int64_t *shape,
    size_t rank, uint64_t count) {
    const slipway_host *host = model->state->host;
    const OrtFunctions *call = &model->state->runtime.call;
    size_t text_size = 0;
    OrtStatus *failure = call->GetStringTensorDataLength(value, &text_size);
    if (failure) return other_failure(model->state, failure, SLIPWAY_INTERNAL, port->name);
    slipway_status *refusal = NULL;
    uint8_t *bytes = host->output(
        host->context, execution, (slipway_bytes){port->name, port->name_size}, SLIPWAY_BYTES, shape, (uint32_t)rank,
        4 * count + text_size, &refusal);
    if (!bytes || count == 0) return refusal;
    size_t *offsets = malloc(count * sizeof *offsets);
    if (!offsets) return adapter_out_of_memory(host, "texts");
    failure = call->GetStringTensorContent(value, bytes + 4 * count, text_size, offsets, count);
    if (!failure) interleave(bytes, text_size, offsets, count);
    free(offsets);
    return failure ? other_failure(model->state, failure, SLIPWAY_INTERNAL, port->name) : NULL;
}
