#include "Adapter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Scores of one row: a map's keys and its values, in the runtime's order, which is that of the keys. */
typedef struct Row {
    OrtValue *map, *keys, *scores;
    size_t count;
} Row;

static void release(const OrtFunctions *call, Row *row) {
    if (row->keys) call->ReleaseValue(row->keys);
    if (row->scores) call->ReleaseValue(row->scores);
    if (row->map) call->ReleaseValue(row->map);
    *row = (Row){0};
}

static OrtStatus *take(const Runtime *runtime, const OrtValue *maps, size_t index, Row *row) {
    const OrtFunctions *call = &runtime->call;
    OrtTensorInfo *info = NULL;
    int64_t count = 0;
    OrtStatus *failure = call->GetValue(maps, (int)index, runtime->allocator, &row->map);
    if (!failure) failure = call->GetValue(row->map, 0, runtime->allocator, &row->keys);
    if (!failure) failure = call->GetValue(row->map, 1, runtime->allocator, &row->scores);
    if (!failure) failure = call->GetTensorTypeAndShape(row->keys, &info);
    if (!failure) failure = call->GetDimensions(info, &count, 1);
    if (info) call->ReleaseTensorTypeAndShapeInfo(info);
    row->count = (size_t)count;
    return failure;
}

/* Where each class of the description stands among the keys: sorted, once for all rows. Classes that are numbers or
 * texts are compared as texts, which is how the description has them. */
static OrtStatus *find_columns(const Runtime *runtime, const Port *port, const Row *row, size_t *places, bool *all) {
    const OrtFunctions *call = &runtime->call;
    const OnnxClasses *classes = port->classes;
    *all = false;
    char *text = NULL;
    size_t *offsets = NULL, size = 0;
    void *numbers = NULL;
    OrtStatus *failure = NULL;
    if (port->element == ORT_INT64) {
        failure = call->GetTensorMutableData(row->keys, &numbers);
    } else {
        failure = call->GetStringTensorDataLength(row->keys, &size);
        text = malloc(size + 1);
        offsets = calloc(row->count + 1, sizeof *offsets);
        if (!failure && text && offsets)
            failure = call->GetStringTensorContent(row->keys, text, size, offsets, row->count);
    }
    bool is_ready = !failure && (numbers || (text && offsets));
    size_t found = 0;
    for (size_t index = 0; is_ready && index < row->count; ++index) {
        char digits[24];
        const char *key = digits;
        size_t key_size;
        if (numbers) {
            key_size = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)((const int64_t *)numbers)[index]);
        } else {
            key = text + offsets[index];
            key_size = (index + 1 < row->count ? offsets[index + 1] : size) - offsets[index];
        }
        for (size_t column = 0; column < classes->count; ++column) {
            const char *name = classes->names[column];
            if (strlen(name) != key_size || memcmp(name, key, key_size) != 0) continue;
            places[column] = index;
            ++found;
            break;
        }
    }
    *all = is_ready && found == classes->count && row->count == classes->count;
    free(text);
    free(offsets);
    return failure;
}

static slipway_status *uneven(slipway_model *model, const Port *port) {
    return adapter_status(
        model->state->host, SLIPWAY_INTERNAL, "the maps of the output `%s` don't all have the classes that it names",
        port->name);
}

/* Copies a row's scores, in the order of the classes where that is known. */
static slipway_status *write_row(
    slipway_model *model, const Port *port, const Row *row, const size_t *places, size_t width, float *into) {
    void *scores = NULL;
    OrtStatus *failure = model->state->runtime.call.GetTensorMutableData(row->scores, &scores);
    if (failure) return other_failure(model->state, failure, SLIPWAY_INTERNAL, port->name);
    if (row->count != width) return uneven(model, port);
    for (size_t column = 0; column < width; ++column)
        into[column] = ((const float *)scores)[places ? places[column] : column];
    return NULL;
}

/* The first row tells the width. */
static slipway_status *begin(
    slipway_model *model, const Port *port, slipway_execution *execution, const Row *first, size_t rows,
    size_t *places, float **matrix) {
    if (port->classes) {
        bool all = rows == 0;
        OrtStatus *failure = rows ? find_columns(&model->state->runtime, port, first, places, &all) : NULL;
        if (failure) return other_failure(model->state, failure, SLIPWAY_INTERNAL, port->name);
        if (!all) return uneven(model, port);
    }
    const slipway_host *host = model->state->host;
    size_t width = port->classes ? port->classes->count : first->count;
    int64_t shape[2] = {(int64_t)rows, (int64_t)width};
    slipway_status *refusal = NULL;
    *matrix = host->output(
        host->context, execution, (slipway_bytes){port->name, port->name_size}, SLIPWAY_FP32, shape, 2,
        rows * width * sizeof(float), &refusal);
    return refusal;
}

slipway_status *maps_out(
    slipway_model *model, const Port *port, slipway_execution *execution, const OrtValue *value) {
    const Runtime *runtime = &model->state->runtime;
    size_t rows = 0, width = 0;
    OrtStatus *failure = runtime->call.GetValueCount(value, &rows);
    if (failure) return other_failure(model->state, failure, SLIPWAY_INTERNAL, port->name);
    size_t *places = NULL;
    if (port->classes && !(places = calloc(port->classes->count, sizeof *places)))
        return adapter_out_of_memory(model->state->host, "classes");
    float *matrix = NULL;
    slipway_status *refusal = rows ? NULL : begin(model, port, execution, &(Row){0}, 0, places, &matrix);
    for (size_t index = 0; index < rows && !refusal; ++index) {
        Row row = {0};
        failure = take(runtime, value, index, &row);
        if (failure) refusal = other_failure(model->state, failure, SLIPWAY_INTERNAL, port->name);
        if (!refusal && index == 0) {
            width = row.count;
            refusal = begin(model, port, execution, &row, rows, places, &matrix);
        }
        if (!refusal) refusal = write_row(model, port, &row, places, width, matrix + index * width);
        release(&runtime->call, &row);
    }
    free(places);
    return refusal;
}
