/* A template for adapters in C: linear models, y = W x + b, from a text file.
 *
 * `model.linear` begins with `linear INPUTS OUTPUTS`; a line for each output follows: its bias, then its weights. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter.pb-c.h"
#include "slipway_adapter.h"

#define SIDE_MAX 100000

struct slipway_adapter_state {
    const slipway_host *host;
};

struct slipway_model {
    const slipway_host *host;
    int64_t inputs, outputs;
    float *numbers; /* for each output its bias and its weights */
};

/* ---- Small helpers: errors with a text, and messages out ---- */

__attribute__((format(printf, 3, 4))) static slipway_status *failure(
    const slipway_host *host, slipway_code code, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size >= (int)sizeof(text)) size = (int)sizeof(text) - 1;
    return host->status(host->context, code, text, (uint64_t)size);
}

static slipway_status *answer(const slipway_host *host, slipway_sink *sink, const ProtobufCMessage *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(size + 1);
    if (!bytes) return failure(host, SLIPWAY_RESOURCE_EXHAUSTED, "no memory for a description");
    protobuf_c_message_pack(message, bytes);
    host->write(host->context, sink, bytes, size);
    free(bytes);
    return NULL;
}

/* ---- The adapter ---- */

static slipway_status *open_adapter(const slipway_host *host, slipway_bytes bytes, slipway_adapter_state **state) {
    Slipway__Adapter__V1__AdapterOptions *options =
        slipway__adapter__v1__adapter_options__unpack(NULL, bytes.size, bytes.data);
    if (!options) return failure(host, SLIPWAY_INVALID_ARGUMENT, "the adapter's options cannot be read");
    slipway_status *status = NULL;
    if (options->n_options > 0) /* Whoever misspells an option should hear of it. */
        status = failure(host, SLIPWAY_INVALID_ARGUMENT, "the adapter has no option %s", options->options[0]->key);
    slipway__adapter__v1__adapter_options__free_unpacked(options, NULL);
    if (status) return status;
    if (!(*state = calloc(1, sizeof(**state)))) return failure(host, SLIPWAY_RESOURCE_EXHAUSTED, "no memory");
    (*state)->host = host;
    return NULL;
}

static void close_adapter(slipway_adapter_state *state) { free(state); }

static slipway_status *describe(slipway_adapter_state *state, slipway_sink *sink) {
    Slipway__Adapter__V1__AdapterDescription description = SLIPWAY__ADAPTER__V1__ADAPTER_DESCRIPTION__INIT;
    char *formats[] = {"linear"};
    description.name = "linear";
    description.version = "1.0";
    description.framework = "none";
    description.formats = formats;
    description.n_formats = 1;
    return answer(state->host, sink, &description.base);
}

static FILE *open_model(const Slipway__Adapter__V1__LoadRequest *request, char *path, size_t size) {
    snprintf(path, size, "%s/%s", request->folder, request->file[0] ? request->file : "model.linear");
    return fopen(path, "re");
}

static slipway_status *recognise(slipway_adapter_state *state, slipway_bytes bytes, slipway_sink *sink) {
    Slipway__Adapter__V1__LoadRequest *request = slipway__adapter__v1__load_request__unpack(NULL, bytes.size, bytes.data);
    if (!request) return failure(state->host, SLIPWAY_INVALID_ARGUMENT, "the request cannot be read");
    Slipway__Adapter__V1__Recognition recognition = SLIPWAY__ADAPTER__V1__RECOGNITION__INIT;
    char path[4096];
    FILE *file = open_model(request, path, sizeof(path));
    if (file) fclose(file);
    recognition.certainty = file ? 90 : 0;
    recognition.format = "linear";
    recognition.reason = file ? "it has a model.linear" : "it has no model.linear";
    slipway__adapter__v1__load_request__free_unpacked(request, NULL);
    return answer(state->host, sink, &recognition.base);
}

/* ---- Models ---- */

static void unload(slipway_model *model) {
    free(model->numbers);
    free(model);
}

static slipway_status *read_model(slipway_model *model, FILE *file, const char *path) {
    const slipway_host *host = model->host;
    long inputs, outputs;
    if (fscanf(file, "linear %ld %ld", &inputs, &outputs) != 2)
        return failure(host, SLIPWAY_FAILED_PRECONDITION, "%s does not begin with `linear INPUTS OUTPUTS`", path);
    if (inputs < 1 || outputs < 1 || inputs > SIDE_MAX || outputs > SIDE_MAX)
        return failure(host, SLIPWAY_FAILED_PRECONDITION, "%s says %ld inputs and %ld outputs", path, inputs, outputs);
    size_t count = (size_t)(inputs + 1) * (size_t)outputs;
    if (!(model->numbers = malloc(count * sizeof(float))))
        return failure(host, SLIPWAY_RESOURCE_EXHAUSTED, "no memory for %zu weights", count);
    for (size_t index = 0; index < count; index++)
        if (fscanf(file, "%f", &model->numbers[index]) != 1)
            return failure(host, SLIPWAY_FAILED_PRECONDITION, "%s ends after %zu of %zu numbers", path, index, count);
    model->inputs = inputs;
    model->outputs = outputs;
    return NULL;
}

static slipway_status *load(slipway_adapter_state *state, slipway_bytes bytes, slipway_model **result) {
    const slipway_host *host = state->host;
    Slipway__Adapter__V1__LoadRequest *request = slipway__adapter__v1__load_request__unpack(NULL, bytes.size, bytes.data);
    if (!request) return failure(host, SLIPWAY_INVALID_ARGUMENT, "the request cannot be read");
    slipway_status *status = NULL;
    slipway_model *model = calloc(1, sizeof(*model));
    char path[4096];
    FILE *file = open_model(request, path, sizeof(path));
    if (request->n_options > 0)
        status = failure(host, SLIPWAY_INVALID_ARGUMENT, "linear models have no option %s", request->options[0]->key);
    else if (!file)
        status = failure(host, SLIPWAY_NOT_FOUND, "%s cannot be opened", path);
    else if (!model)
        status = failure(host, SLIPWAY_RESOURCE_EXHAUSTED, "no memory for a model");
    if (!status) {
        model->host = host;
        status = read_model(model, file, path);
    }
    if (file) fclose(file);
    slipway__adapter__v1__load_request__free_unpacked(request, NULL);
    if (!status) *result = model;
    else if (model) unload(model); /* After a failure nothing is left. */
    return status;
}

static slipway_status *describe_model(slipway_model *model, slipway_sink *sink) {
    int64_t x_shape[] = {-1, model->inputs}, y_shape[] = {-1, model->outputs};
    Slipway__Adapter__V1__TensorDescription x = SLIPWAY__ADAPTER__V1__TENSOR_DESCRIPTION__INIT, y = x;
    Slipway__Adapter__V1__TensorDescription *inputs[] = {&x}, *outputs[] = {&y};
    x.name = "x";
    y.name = "y";
    x.datatype = y.datatype = SLIPWAY__ADAPTER__V1__DATATYPE__DATATYPE_FP32;
    x.n_shape = y.n_shape = 2;
    x.shape = x_shape;
    y.shape = y_shape;
    Slipway__Adapter__V1__ModelDescription description = SLIPWAY__ADAPTER__V1__MODEL_DESCRIPTION__INIT;
    description.format = "linear";
    description.n_inputs = description.n_outputs = 1;
    description.inputs = inputs;
    description.outputs = outputs;
    description.batches = 1;
    description.concurrent_executions = 1; /* Nothing changes while it executes: no instances are needed. */
    return answer(model->host, sink, &description.base);
}

static slipway_status *execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending) {
    (void)instance, (void)pending;
    const slipway_host *host = model->host;
    const slipway_tensor *x = execution->inputs;
    if (execution->input_count != 1 || x->name.size != 1 || memcmp(x->name.data, "x", 1) != 0)
        return failure(host, SLIPWAY_INVALID_ARGUMENT, "the model takes one input, x");
    if (x->datatype != SLIPWAY_FP32 || x->rank != 2 || x->shape[1] != model->inputs)
        return failure(host, SLIPWAY_INVALID_ARGUMENT, "x has to be FP32 of shape [rows, %ld]", (long)model->inputs);
    int64_t rows = x->shape[0], shape[] = {rows, model->outputs};
    slipway_status *refusal = NULL;
    float *y = host->output(
        host->context, execution, (slipway_bytes){"y", 1}, SLIPWAY_FP32, shape, 2,
        (uint64_t)(rows * model->outputs) * sizeof(float), &refusal);
    if (!y) return refusal;
    const float *row = x->data;
    for (int64_t index = 0; index < rows; index++, row += model->inputs) {
        const float *numbers = model->numbers;
        for (int64_t output = 0; output < model->outputs; output++, numbers += model->inputs + 1) {
            float sum = numbers[0];
            for (int64_t input = 0; input < model->inputs; input++) sum += numbers[input + 1] * row[input];
            *y++ = sum;
        }
    }
    return NULL;
}

SLIPWAY_ADAPTER_EXPORT const slipway_adapter *slipway_adapter_entry(uint32_t major) {
    static const slipway_adapter adapter = {
        .struct_size = sizeof(adapter), .major = SLIPWAY_ADAPTER_MAJOR, .minor = SLIPWAY_ADAPTER_MINOR,
        .open = open_adapter, .close = close_adapter, .describe = describe, .recognise = recognise, .load = load,
        .unload = unload, .describe_model = describe_model, .execute = execute,
    };
    return major == SLIPWAY_ADAPTER_MAJOR ? &adapter : NULL;
}
