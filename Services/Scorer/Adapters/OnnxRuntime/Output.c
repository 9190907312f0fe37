#include "Output.h"

#include <string.h>

/* More dimensions than any tensor has. */
enum { MOST_RANK = 64 };

static slipway_status *broken(slipway_model *model, const Port *port, OrtStatus *failure) {
    return other_failure(model->state, failure, SLIPWAY_INTERNAL, port->name);
}

/* The memory that a tensor goes to: what was reserved for it before, or new. */
static slipway_status *find_room(
    slipway_model *model, const Port *port, slipway_execution *execution, const Predicted *predicted,
    const int64_t *shape, size_t rank, uint64_t size, void **room) {
    const slipway_host *host = model->state->host;
    slipway_status *refusal = NULL;
    if (!predicted || !predicted->room) {
        *room = host->output(
            host->context, execution, (slipway_bytes){port->name, port->name_size}, port->datatype, shape,
            (uint32_t)rank, size, &refusal);
    } else if (prediction_holds(predicted, shape, rank)) {
        *room = predicted->room;
    } else {
        refusal = adapter_status(
            host, SLIPWAY_INTERNAL,
            "the output `%s` came out in another shape than the model says, as it never did before; ask again",
            port->name);
    }
    return refusal;
}

static slipway_status *deliver_tensor(
    slipway_model *model, const Port *port, slipway_execution *execution, OrtValue *value, const OrtTensorInfo *info,
    const Prediction *prediction, const Predicted *predicted) {
    const slipway_host *host = model->state->host;
    const OrtFunctions *call = &model->state->runtime.call;
    int64_t shape[MOST_RANK];
    size_t rank = 0;
    OrtStatus *failure = call->GetDimensionsCount(info, &rank);
    if (!failure && rank > MOST_RANK) {
        return adapter_status(
            host, SLIPWAY_UNIMPLEMENTED, "the output `%s` has %zu dimensions; %d are possible", port->name, rank,
            MOST_RANK);
    }
    if (!failure) failure = call->GetDimensions(info, shape, rank);
    if (failure) return broken(model, port, failure);
    uint64_t count = 1;
    for (size_t axis = 0; axis < rank; ++axis) count *= (uint64_t)shape[axis];
    if (port->datatype == SLIPWAY_BYTES) return strings_out(model, port, execution, value, shape, rank, count);
    void *data = NULL;
    failure = call->GetTensorMutableData(value, &data);
    if (failure) return broken(model, port, failure);
    if (predicted) prediction_learn(prediction, predicted, port, shape, rank);
    void *room = NULL;
    uint64_t size = count * adapter_datatype_size(port->datatype);
    slipway_status *refusal = find_room(model, port, execution, predicted, shape, rank, size, &room);
    if (refusal) return refusal;
    if (size) memcpy(room, data, size);
    return NULL;
}

slipway_status *output_deliver(
    slipway_model *model, const Port *port, slipway_execution *execution, OrtValue *value,
    const Prediction *prediction, const Predicted *predicted) {
    const OrtFunctions *call = &model->state->runtime.call;
    if (port->carrier == CARRIER_MAPS) return maps_out(model, port, execution, value);
    if (port->carrier == CARRIER_OPTIONAL) {
        int has_value = 0;
        OrtStatus *failure = call->HasValue(value, &has_value);
        if (failure) return broken(model, port, failure);
        if (!has_value) return NULL;
    }
    OrtTensorInfo *info = NULL;
    OrtStatus *failure = call->GetTensorTypeAndShape(value, &info);
    if (failure) return broken(model, port, failure);
    slipway_status *refusal = deliver_tensor(model, port, execution, value, info, prediction, predicted);
    call->ReleaseTensorTypeAndShapeInfo(info);
    return refusal;
}
