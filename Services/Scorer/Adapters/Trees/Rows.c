#include "trees_rows.h"

#include "adapter_common.h"

#include <stdlib.h>
#include <string.h>

/* A text is none, even where it reads like one: whoever sends it should hear so. */
static bool is_number(slipway_datatype datatype) {
    return adapter_datatype_size(datatype) > 0;
}

static slipway_status *check_outputs(const slipway_host *host, const slipway_execution *execution) {
    for (uint32_t index = 0; index < execution->output_count; ++index) {
        slipway_bytes name = execution->output_names[index];
        if (name.size != strlen(TREES_OUTPUT) || memcmp(name.data, TREES_OUTPUT, name.size)) {
            return adapter_status(
                host, SLIPWAY_INVALID_ARGUMENT, "the model has no output `%.*s`; it has `%s`", (int)name.size,
                (const char *)name.data, TREES_OUTPUT);
        }
    }
    return NULL;
}

static slipway_status *check_input(
    const slipway_host *host, const slipway_execution *execution, uint32_t features) {
    if (execution->input_count != 1) {
        return adapter_status(
            host, SLIPWAY_INVALID_ARGUMENT, "%u inputs are given; the model takes one, `%s`", execution->input_count,
            TREES_INPUT);
    }
    const slipway_tensor *tensor = &execution->inputs[0];
    if (tensor->name.size != strlen(TREES_INPUT) || memcmp(tensor->name.data, TREES_INPUT, tensor->name.size)) {
        return adapter_status(
            host, SLIPWAY_INVALID_ARGUMENT, "the model has no input `%.*s`; it takes `%s`", (int)tensor->name.size,
            (const char *)tensor->name.data, TREES_INPUT);
    }
    if (tensor->rank != 2 || tensor->shape[1] != features) {
        adapter_text shape = {0};
        for (uint32_t index = 0; index < tensor->rank; ++index) {
            adapter_text_format(&shape, "%s%lld", index ? ", " : "", (long long)tensor->shape[index]);
        }
        slipway_status *status = adapter_status(
            host, SLIPWAY_INVALID_ARGUMENT, "`%s` has the shape [%s]; it is [rows, %u]", TREES_INPUT,
            adapter_text_string(&shape), features);
        adapter_text_free(&shape);
        return status;
    }
    if (!is_number(tensor->datatype)) {
        return adapter_status(
            host, SLIPWAY_INVALID_ARGUMENT, "`%s` is %s; it is of numbers, best FP32", TREES_INPUT,
            adapter_datatype_name(tensor->datatype));
    }
    return NULL;
}

static float of_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff;
    if (exponent == 0) {
        float value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    uint32_t bits = sign | (exponent == 31 ? 0x7f800000 : (exponent + 112) << 23) | fraction << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float of_brain(uint16_t brain) {
    uint32_t bits = (uint32_t)brain << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#define CONVERT(number, type, expression)                                                                            \
    case number: {                                                                                                    \
        const type *values = data;                                                                                    \
        for (size_t index = 0; index < count; ++index) converted[index] = expression;                                 \
        break;                                                                                                        \
    }

static void convert(slipway_datatype datatype, const void *data, size_t count, float *converted) {
    switch (datatype) {
        CONVERT(SLIPWAY_BOOL, uint8_t, values[index] ? 1 : 0)
        CONVERT(SLIPWAY_UINT8, uint8_t, values[index])
        CONVERT(SLIPWAY_UINT16, uint16_t, values[index])
        CONVERT(SLIPWAY_UINT32, uint32_t, (float)values[index])
        CONVERT(SLIPWAY_UINT64, uint64_t, (float)values[index])
        CONVERT(SLIPWAY_INT8, int8_t, values[index])
        CONVERT(SLIPWAY_INT16, int16_t, values[index])
        CONVERT(SLIPWAY_INT32, int32_t, (float)values[index])
        CONVERT(SLIPWAY_INT64, int64_t, (float)values[index])
        CONVERT(SLIPWAY_FP16, uint16_t, of_half(values[index]))
        CONVERT(SLIPWAY_FP32, float, values[index])
        CONVERT(SLIPWAY_FP64, double, (float)values[index])
        CONVERT(SLIPWAY_BF16, uint16_t, of_brain(values[index]))
    }
}

adapter_tensor_description *trees_rows_describe(
    adapter_description *description, slipway_datatype datatype, uint32_t features) {
    int64_t shape[2] = {-1, features};
    adapter_tensor_description *rows = adapter_description_input(description, TREES_INPUT, datatype, shape, 2);
    for (slipway_datatype other = SLIPWAY_BOOL; other <= SLIPWAY_BF16; ++other) {
        if (other != datatype && is_number(other)) adapter_description_also_takes(description, rows, other);
    }
    return rows;
}

slipway_status *trees_rows_take(
    const slipway_host *host, const slipway_execution *execution, uint32_t features, bool keeps_f64,
    trees_rows *rows) {
    *rows = (trees_rows){0};
    slipway_status *refusal = check_outputs(host, execution);
    if (!refusal) refusal = check_input(host, execution, features);
    if (refusal) return refusal;
    const slipway_tensor *tensor = &execution->inputs[0];
    rows->count = (size_t)tensor->shape[0];
    rows->values = tensor->data;
    rows->is_f64 = keeps_f64 && tensor->datatype == SLIPWAY_FP64;
    size_t cells = rows->count * features;
    if (cells == 0 || rows->is_f64 || tensor->datatype == SLIPWAY_FP32) return NULL;
    float *converted = malloc(cells * sizeof *converted);
    if (!converted) return adapter_out_of_memory(host, "converted rows");
    convert(tensor->datatype, tensor->data, cells, converted);
    rows->values = rows->owned = converted;
    return NULL;
}

void trees_rows_free(trees_rows *rows) {
    free(rows->owned);
}
