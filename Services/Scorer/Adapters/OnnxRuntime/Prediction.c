#include "Prediction.h"

#include <string.h>

enum { UNKNOWN = 0, BELIEVED = 1, DISPROVED = 2 };
enum { OPEN = -1, AMBIGUOUS = -2 };

/* Puts the sizes of named dimensions where their numbers say; whether this execution would give a lie away. */
static bool bind(
    int64_t *sizes, size_t symbol_count, const slipway_tensor *inputs, const Port *const *ports, size_t count) {
    int64_t seen[2 * PREDICTED_SYMBOLS];
    size_t seen_count = 0;
    bool is_telling = true;
    for (size_t symbol = 0; symbol < symbol_count; ++symbol) sizes[symbol] = OPEN;
    for (size_t index = 0; index < count; ++index) {
        const Port *port = ports[index];
        for (uint32_t axis = 0; axis < port->rank; ++axis) {
            if (port->shape[axis] >= 0) continue;
            int64_t size = inputs[index].shape[axis];
            int32_t symbol = port->symbols ? port->symbols[axis] : -1;
            if (symbol >= 0 && sizes[symbol] == size) continue;
            if (symbol >= 0) sizes[symbol] = sizes[symbol] == OPEN ? size : AMBIGUOUS;
            is_telling = is_telling && size > 1 && seen_count < sizeof seen / sizeof *seen;
            for (size_t other = 0; is_telling && other < seen_count; ++other) is_telling = seen[other] != size;
            if (is_telling) seen[seen_count++] = size;
        }
        is_telling = is_telling && !port->any_shape;
    }
    return is_telling;
}

static bool predict(Predicted *predicted, const Port *port, const int64_t *sizes) {
    bool is_plain = port->carrier == CARRIER_TENSOR && port->datatype != SLIPWAY_BYTES && !port->any_shape;
    if (!is_plain || port->rank > PREDICTED_RANK) return false;
    uint64_t bytes = adapter_datatype_size(port->datatype);
    for (uint32_t axis = 0; axis < port->rank; ++axis) {
        int64_t size = port->shape[axis];
        if (size < 0 && port->symbols && port->symbols[axis] >= 0) size = sizes[port->symbols[axis]];
        if (size < 0 || __builtin_mul_overflow(bytes, (uint64_t)size, &bytes)) return false;
        predicted->shape[axis] = size;
    }
    predicted->rank = port->rank;
    return bytes >= PREDICTED_BYTES;
}

void prediction_begin(
    Prediction *prediction, const slipway_model *model, const slipway_tensor *inputs, const Port *const *input_ports,
    size_t input_count, const Port *const *output_ports, size_t output_count) {
    prediction->count = 0;
    if (model->symbol_count > PREDICTED_SYMBOLS || output_count > PREDICTED_OUTPUTS) return;
    prediction->is_telling = bind(prediction->sizes, model->symbol_count, inputs, input_ports, input_count);
    for (size_t index = 0; index < output_count; ++index) {
        Predicted *predicted = &prediction->outputs[index];
        predicted->room = NULL;
        predicted->is_large = predict(predicted, output_ports[index], prediction->sizes);
        if (predicted->is_large) prediction->count = (uint32_t)output_count;
    }
}

slipway_status *prediction_reserve(
    Predicted *predicted, slipway_model *model, const Port *port, slipway_execution *execution, OrtValue **value) {
    if (!predicted->is_large || atomic_load_explicit(&port->belief, memory_order_relaxed) != BELIEVED) return NULL;
    const slipway_host *host = model->state->host;
    const Runtime *runtime = &model->state->runtime;
    uint64_t size = adapter_datatype_size(port->datatype);
    for (uint32_t axis = 0; axis < predicted->rank; ++axis) size *= (uint64_t)predicted->shape[axis];
    slipway_status *refusal = NULL;
    void *room = host->output(
        host->context, execution, (slipway_bytes){port->name, port->name_size}, port->datatype, predicted->shape,
        predicted->rank, size, &refusal);
    if (refusal) return refusal;
    OrtStatus *failure = runtime->call.CreateTensorWithDataAsOrtValue(
        runtime->memory, room, size, predicted->shape, predicted->rank, port->element, value);
    if (failure) {
        *value = NULL;
        return other_failure(model->state, failure, SLIPWAY_INTERNAL, port->name);
    }
    predicted->room = room;
    return NULL;
}

bool prediction_holds(const Predicted *predicted, const int64_t *shape, size_t rank) {
    return predicted->rank == rank && !memcmp(predicted->shape, shape, rank * sizeof *shape);
}

void prediction_learn(
    const Prediction *prediction, const Predicted *predicted, const Port *port, const int64_t *shape, size_t rank) {
    if (!predicted->is_large) return;
    _Atomic(int) *belief = (_Atomic(int) *)(uintptr_t)&port->belief;
    if (!prediction_holds(predicted, shape, rank)) {
        atomic_store_explicit(belief, DISPROVED, memory_order_relaxed);
    } else if (prediction->is_telling) {
        int unknown = UNKNOWN;
        atomic_compare_exchange_strong_explicit(
            belief, &unknown, BELIEVED, memory_order_relaxed, memory_order_relaxed);
    }
}
