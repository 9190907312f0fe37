#include "Adapter.h"

#include <stdlib.h>
#include <string.h>

/* Ports are made before anything can be wrong with them, so that ports_free finds all that was made. */

static slipway_status *broken(slipway_model *model, OrtStatus *failure) {
    return other_failure(model->state, failure, SLIPWAY_INTERNAL, "ONNX Runtime does not describe the model");
}

static slipway_status *no_memory(slipway_model *model) {
    return adapter_out_of_memory(model->state->host, "the description of a model");
}

/* The number of a dimension's name, the same for each port of the model; -1 where it is met for the first time. */
static int32_t symbol_number(const slipway_model *model, const char *name) {
    const Port *lists[] = {model->inputs, model->outputs};
    const size_t counts[] = {model->input_count, model->output_count};
    for (size_t list = 0; list < 2; ++list) {
        for (size_t index = 0; index < counts[list]; ++index) {
            const Port *port = &lists[list][index];
            for (uint32_t axis = 0; port->symbols && axis < port->rank; ++axis) {
                if (port->symbols[axis] >= 0 && !strcmp(port->symbol_names[axis], name)) return port->symbols[axis];
            }
        }
    }
    return -1;
}

static slipway_status *read_shape(slipway_model *model, Port *port, const OrtTensorInfo *info) {
    const OrtFunctions *call = &model->state->runtime.call;
    size_t rank = 0;
    OrtStatus *failure = call->GetDimensionsCount(info, &rank);
    if (failure) return broken(model, failure);
    port->any_shape = rank == 0 && onnx_file_is_shapeless(&model->file, port->name);
    if (rank == 0) return NULL;
    port->shape = calloc(rank, sizeof *port->shape);
    port->symbol_names = calloc(rank, sizeof *port->symbol_names);
    int32_t *numbers = calloc(rank, sizeof *numbers);
    const char **names = calloc(rank, sizeof *names);
    slipway_status *refusal = port->shape && port->symbol_names && numbers && names ? NULL : no_memory(model);
    if (!refusal) failure = call->GetDimensions(info, port->shape, rank);
    if (!refusal && !failure) failure = call->GetSymbolicDimensions(info, names, rank);
    if (failure) refusal = broken(model, failure);
    for (size_t axis = 0; axis < rank && !refusal; ++axis) {
        if (port->shape[axis] < 0) port->shape[axis] = -1;
        numbers[axis] = -1;
        if (port->shape[axis] >= 0 || !names[axis] || !*names[axis]) continue;
        port->symbol_names[axis] = strdup(names[axis]);
        if (!port->symbol_names[axis]) {
            refusal = no_memory(model);
        } else {
            adapter_text_repair(port->symbol_names[axis], strlen(port->symbol_names[axis]));
        }
    }
    free(names);
    if (refusal) {
        free(numbers);
        port->rank = (uint32_t)rank;
        return refusal;
    }
    port->symbols = numbers;
    port->rank = (uint32_t)rank;
    for (size_t axis = 0; axis < rank; ++axis) {
        if (!port->symbol_names[axis]) continue;
        int32_t number = symbol_number(model, port->symbol_names[axis]);
        numbers[axis] = number >= 0 ? number : (int32_t)model->symbol_count++;
    }
    return NULL;
}

static slipway_status *read_tensor(slipway_model *model, Port *port, const OrtTypeInfo *type) {
    const OrtFunctions *call = &model->state->runtime.call;
    const OrtTensorInfo *info = NULL;
    OrtStatus *failure = call->CastTypeInfoToTensorInfo(type, &info);
    if (!failure && info) failure = call->GetTensorElementType(info, &port->element);
    if (failure) return broken(model, failure);
    port->datatype = datatype_of_element(port->element);
    return info && port->datatype ? read_shape(model, port, info) : NULL;
}

/* A sequence of maps from a class, a text or a number, to a float is read as a matrix. */
static slipway_status *read_sequence(slipway_model *model, Port *port, const OrtTypeInfo *type) {
    const OrtFunctions *call = &model->state->runtime.call;
    const OrtSequenceInfo *sequence = NULL;
    const OrtMapInfo *map = NULL;
    const OrtTensorInfo *scores = NULL;
    OrtTypeInfo *element = NULL, *value = NULL;
    int kind = 0, score = 0;
    OrtStatus *failure = call->CastTypeInfoToSequenceTypeInfo(type, &sequence);
    if (!failure && sequence) failure = call->GetSequenceElementType(sequence, &element);
    if (!failure && element) failure = call->GetOnnxTypeFromTypeInfo(element, &kind);
    if (!failure && kind == ORT_MAP) failure = call->CastTypeInfoToMapTypeInfo(element, &map);
    if (!failure && map) failure = call->GetMapKeyType(map, &port->element);
    if (!failure && map) failure = call->GetMapValueType(map, &value);
    if (!failure && value) failure = call->CastTypeInfoToTensorInfo(value, &scores);
    if (!failure && scores) failure = call->GetTensorElementType(scores, &score);
    if (value) call->ReleaseTypeInfo(value);
    if (element) call->ReleaseTypeInfo(element);
    if (failure) return broken(model, failure);
    if (score != ORT_FLOAT || (port->element != ORT_INT64 && port->element != ORT_STRING)) return NULL;
    port->carrier = CARRIER_MAPS;
    port->datatype = SLIPWAY_FP32;
    port->classes = onnx_file_classes(&model->file, port->name);
    port->shape = calloc(2, sizeof *port->shape);
    if (!port->shape) return no_memory(model);
    port->rank = 2;
    port->shape[0] = -1;
    port->shape[1] = port->classes ? (int64_t)port->classes->count : -1;
    return NULL;
}

static slipway_status *read_optional(slipway_model *model, Port *port, const OrtTypeInfo *type) {
    const OrtFunctions *call = &model->state->runtime.call;
    const OrtOptionalInfo *optional = NULL;
    OrtTypeInfo *contained = NULL;
    int kind = 0;
    OrtStatus *failure = call->CastTypeInfoToOptionalTypeInfo(type, &optional);
    if (!failure && optional) failure = call->GetOptionalContainedTypeInfo(optional, &contained);
    if (!failure && contained) failure = call->GetOnnxTypeFromTypeInfo(contained, &kind);
    slipway_status *refusal = failure ? broken(model, failure) : NULL;
    if (!refusal && kind == ORT_TENSOR) refusal = read_tensor(model, port, contained);
    if (contained) call->ReleaseTypeInfo(contained);
    port->carrier = CARRIER_OPTIONAL;
    return refusal;
}

/* Leaves the datatype 0 where a port's type is none that crosses. */
static slipway_status *read_type(slipway_model *model, Port *port, const OrtTypeInfo *type, bool is_output) {
    int kind = 0;
    OrtStatus *failure = model->state->runtime.call.GetOnnxTypeFromTypeInfo(type, &kind);
    if (failure) return broken(model, failure);
    if (kind == ORT_TENSOR) return read_tensor(model, port, type);
    if (kind == ORT_OPTIONAL) return read_optional(model, port, type);
    return kind == ORT_SEQUENCE && is_output ? read_sequence(model, port, type) : NULL;
}

typedef OrtStatus *(*NameOf)(const OrtSession *, size_t, OrtAllocator *, char **);
typedef OrtStatus *(*TypeOf)(const OrtSession *, size_t, OrtTypeInfo **);

static slipway_status *read_port(
    slipway_model *model, Port *port, size_t index, NameOf name_of, TypeOf type_of, bool is_output) {
    const Runtime *runtime = &model->state->runtime;
    char *name = NULL;
    OrtStatus *failure = name_of(model->session, index, runtime->allocator, &name);
    if (failure) return broken(model, failure);
    port->name = strdup(name);
    failure = runtime->call.AllocatorFree(runtime->allocator, name);
    if (failure) return broken(model, failure);
    if (!port->name) return no_memory(model);
    port->name_size = strlen(port->name);
    if (!adapter_text_is_utf8(port->name, port->name_size)) {
        return adapter_status(
            model->state->host, SLIPWAY_UNIMPLEMENTED, "the name `%s` of an %s is not UTF-8, so no request can say it",
            port->name, is_output ? "output" : "input");
    }
    OrtTypeInfo *type = NULL;
    failure = type_of(model->session, index, &type);
    if (failure) return broken(model, failure);
    slipway_status *refusal = read_type(model, port, type, is_output);
    runtime->call.ReleaseTypeInfo(type);
    return refusal;
}

static slipway_status *read_inputs(slipway_model *model, size_t optional_count) {
    const OrtFunctions *call = &model->state->runtime.call;
    slipway_status *refusal = NULL;
    for (size_t index = 0; index < model->required_count + optional_count && !refusal; ++index) {
        bool is_required = index < model->required_count;
        Port *port = &model->inputs[model->input_count++];
        port->may_be_absent = !is_required;
        refusal = is_required
            ? read_port(model, port, index, call->SessionGetInputName, call->SessionGetInputTypeInfo, false)
            : read_port(
                  model, port, index - model->required_count, call->SessionGetOverridableInitializerName,
                  call->SessionGetOverridableInitializerTypeInfo, false);
        if (!refusal && !port->datatype) {
            refusal = adapter_status(
                model->state->host, SLIPWAY_UNIMPLEMENTED,
                "the input `%s` is %s, which no request can carry: tensors of numbers, bools and texts can be",
                port->name, port->element ? element_name(port->element) : "no tensor");
        }
    }
    return refusal;
}

/* Outputs of types that no answer can carry are left out. */
static slipway_status *read_outputs(slipway_model *model, size_t count, adapter_text *left_out) {
    const OrtFunctions *call = &model->state->runtime.call;
    for (size_t index = 0; index < count; ++index) {
        Port *port = &model->outputs[model->output_count++];
        slipway_status *refusal =
            read_port(model, port, index, call->SessionGetOutputName, call->SessionGetOutputTypeInfo, true);
        if (refusal) return refusal;
        if (!port->datatype) {
            adapter_text_format(left_out, "%s%s", left_out->size ? ", " : "", port->name);
            free(port->name);
            *port = (Port){0};
            --model->output_count;
        }
    }
    if (model->output_count > 0) return NULL;
    return adapter_status(
        model->state->host, SLIPWAY_UNIMPLEMENTED, "no answer can carry the type of any output of this model: %s",
        adapter_text_string(left_out));
}

slipway_status *ports_read(slipway_model *model, bool optional_inputs, adapter_text *left_out) {
    const OrtFunctions *call = &model->state->runtime.call;
    size_t optional_count = 0, output_count = 0;
    OrtStatus *failure = call->SessionGetInputCount(model->session, &model->required_count);
    if (!failure) failure = call->SessionGetOutputCount(model->session, &output_count);
    if (!failure && optional_inputs)
        failure = call->SessionGetOverridableInitializerCount(model->session, &optional_count);
    if (failure) return broken(model, failure);
    model->inputs = calloc(model->required_count + optional_count + 1, sizeof *model->inputs);
    model->outputs = calloc(output_count + 1, sizeof *model->outputs);
    if (!model->inputs || !model->outputs) return no_memory(model);
    slipway_status *refusal = read_inputs(model, optional_count);
    return refusal ? refusal : read_outputs(model, output_count, left_out);
}

static void free_list(Port *ports, size_t count) {
    for (size_t index = 0; index < count; ++index) {
        Port *port = &ports[index];
        for (uint32_t axis = 0; port->symbol_names && axis < port->rank; ++axis) free(port->symbol_names[axis]);
        free(port->symbol_names);
        free(port->symbols);
        free(port->shape);
        free(port->name);
    }
    free(ports);
}

void ports_free(slipway_model *model) {
    free_list(model->inputs, model->input_count);
    free_list(model->outputs, model->output_count);
}
