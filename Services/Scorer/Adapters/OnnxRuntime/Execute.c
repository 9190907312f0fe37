#include "Output.h"

#include <stdlib.h>
#include <string.h>

/* What one execution hands to the runtime. The arrays lie on the stack, unless a model has very many of them. */
typedef struct Frame {
    const char **input_names;
    OrtValue **input_values;
    const Port **input_ports;
    const char **output_names;
    OrtValue **output_values;
    const Port **output_ports;
    uint8_t *given; /* of each input of the model: whether it is among those */
    size_t input_count;
    size_t output_count;
} Frame;

/* The port of a name. Callers mostly keep the order of the description, so that is where to begin. */
static const Port *find(const Port *ports, size_t count, slipway_bytes name, size_t start) {
    for (size_t step = 0; step < count; ++step) {
        size_t index = start + step < count ? start + step : (start + step) % count;
        const Port *port = &ports[index];
        if (port->name_size == name.size && !memcmp(port->name, name.data, name.size)) return port;
    }
    return NULL;
}

/* The names of ports, with commas. */
static void list(adapter_text *text, const Port *ports, size_t count) {
    for (size_t index = 0; index < count; ++index)
        adapter_text_format(text, "%s%s", index ? ", " : "", ports[index].name);
}

static slipway_status *unknown(slipway_model *model, bool is_output, slipway_bytes name) {
    adapter_text names = {0};
    list(
        &names, is_output ? model->outputs : model->inputs, is_output ? model->output_count : model->input_count);
    slipway_status *status = adapter_status(
        model->state->host, SLIPWAY_INVALID_ARGUMENT, "the model has no %s `%.*s`; it has: %s",
        is_output ? "output" : "input", (int)(name.size < 200 ? name.size : 200), (const char *)name.data,
        adapter_text_string(&names));
    adapter_text_free(&names);
    return status;
}

static slipway_status *missing(slipway_model *model, const Frame *frame) {
    adapter_text names = {0};
    for (size_t index = 0; index < model->required_count; ++index) {
        if (!frame->given[index])
            adapter_text_format(&names, "%s`%s`", names.size ? ", " : "", model->inputs[index].name);
    }
    slipway_status *status = adapter_status(
        model->state->host, SLIPWAY_INVALID_ARGUMENT, "the model needs the input %s, which was not given",
        adapter_text_string(&names));
    adapter_text_free(&names);
    return status;
}

static slipway_status *twice(slipway_model *model, const Port *port, const char *what) {
    return adapter_status(
        model->state->host, SLIPWAY_INVALID_ARGUMENT, "the %s `%s` was %s twice",
        *what == 'g' ? "input" : "output", port->name, what);
}

static slipway_status *take_inputs(slipway_model *model, const slipway_execution *execution, Frame *frame) {
    size_t required = 0;
    for (uint32_t index = 0; index < execution->input_count; ++index) {
        const slipway_tensor *tensor = &execution->inputs[index];
        const Port *port = find(model->inputs, model->input_count, tensor->name, index);
        if (!port) return unknown(model, false, tensor->name);
        size_t number = (size_t)(port - model->inputs);
        if (frame->given[number]) return twice(model, port, "given");
        frame->given[number] = 1;
        required += !port->may_be_absent;
        slipway_status *refusal = input_value(model, port, tensor, &frame->input_values[frame->input_count]);
        /* A value may have been made before it was refused; it is released with the others. */
        frame->input_ports[frame->input_count] = port;
        frame->input_names[frame->input_count++] = port->name;
        if (refusal) return refusal;
    }
    return required < model->required_count ? missing(model, frame) : NULL;
}

static slipway_status *choose_outputs(slipway_model *model, const slipway_execution *execution, Frame *frame) {
    if (execution->output_count == 0) {
        for (size_t index = 0; index < model->output_count; ++index) {
            frame->output_ports[index] = &model->outputs[index];
            frame->output_names[index] = model->outputs[index].name;
        }
        frame->output_count = model->output_count;
        return NULL;
    }
    for (uint32_t index = 0; index < execution->output_count; ++index) {
        const Port *port = find(model->outputs, model->output_count, execution->output_names[index], index);
        if (!port) return unknown(model, true, execution->output_names[index]);
        for (size_t earlier = 0; earlier < frame->output_count; ++earlier) {
            if (frame->output_ports[earlier] == port) return twice(model, port, "asked for");
        }
        frame->output_ports[frame->output_count] = port;
        frame->output_names[frame->output_count++] = port->name;
    }
    return NULL;
}

static OrtStatus *call_runtime(slipway_model *model, Frame *frame) {
    const Runtime *runtime = &model->state->runtime;
    return runtime->call.Run(
        model->session, runtime->quietly, frame->input_names, (const OrtValue *const *)frame->input_values,
        frame->input_count, frame->output_names, frame->output_count, frame->output_values);
}

/* Runs with the memory that was reserved, and once more without where that fails: whether the shapes were to blame
 * shows in whether it then works. What was reserved stays only as the place to copy to. */
static OrtStatus *call_with_reserved(slipway_model *model, Frame *frame, Prediction *prediction, bool *was_direct) {
    const OrtFunctions *call = &model->state->runtime.call;
    OrtStatus *failure = call_runtime(model, frame);
    *was_direct = failure == NULL;
    if (!failure) return NULL;
    call->ReleaseStatus(failure);
    for (size_t index = 0; index < prediction->count; ++index) {
        if (frame->output_values[index]) call->ReleaseValue(frame->output_values[index]);
        frame->output_values[index] = NULL;
    }
    return call_runtime(model, frame);
}

static slipway_status *run(slipway_model *model, slipway_execution *execution, Frame *frame) {
    slipway_status *refusal = take_inputs(model, execution, frame);
    if (!refusal) refusal = choose_outputs(model, execution, frame);
    if (refusal) return refusal;
    Prediction prediction;
    prediction_begin(
        &prediction, model, execution->inputs, frame->input_ports, frame->input_count, frame->output_ports,
        frame->output_count);
    bool has_reserved = false, was_direct = false;
    for (size_t index = 0; index < prediction.count; ++index) {
        Predicted *predicted = &prediction.outputs[index];
        refusal = prediction_reserve(
            predicted, model, frame->output_ports[index], execution, &frame->output_values[index]);
        if (refusal) return refusal;
        has_reserved = has_reserved || predicted->room;
    }
    OrtStatus *failure = has_reserved ? call_with_reserved(model, frame, &prediction, &was_direct)
                                      : call_runtime(model, frame);
    if (failure) return execution_failure(model, failure);
    for (size_t index = 0; index < frame->output_count && !refusal; ++index) {
        const Predicted *predicted = prediction.count ? &prediction.outputs[index] : NULL;
        if (was_direct && predicted->room) continue;
        refusal = output_deliver(
            model, frame->output_ports[index], execution, frame->output_values[index], &prediction, predicted);
    }
    return refusal;
}

static void release(slipway_model *model, Frame *frame) {
    void (*release_value)(OrtValue *) = model->state->runtime.call.ReleaseValue;
    for (size_t index = 0; index < frame->input_count; ++index) {
        if (frame->input_values[index]) release_value(frame->input_values[index]);
    }
    for (size_t index = 0; index < frame->output_count; ++index) {
        if (frame->output_values[index]) release_value(frame->output_values[index]);
    }
}

slipway_status *execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending) {
    (void)instance;
    *pending = 0;
    const slipway_host *host = model->state->host;
    if (host->is_cancelled(host->context, execution))
        return adapter_status(host, SLIPWAY_CANCELLED, "nobody waits for the answer any more");
    enum { ON_STACK = 64 };
    void *room[ON_STACK];
    /* As many inputs as were given, or one more than there are: the next one is refused. */
    size_t most_inputs = execution->input_count <= model->input_count ? execution->input_count : model->input_count + 1;
    size_t most_outputs = model->output_count;
    size_t count = 3 * most_inputs + 3 * most_outputs + model->input_count / sizeof(void *) + 1;
    void **memory = room;
    if (count <= ON_STACK) {
        memset(room, 0, count * sizeof *room);
    } else if (!(memory = calloc(count, sizeof *memory))) {
        return adapter_out_of_memory(host, "an execution");
    }
    void **outputs = memory + 3 * most_inputs;
    Frame frame = {
        .input_names = (const char **)memory,
        .input_values = (OrtValue **)(memory + most_inputs),
        .input_ports = (const Port **)(memory + 2 * most_inputs),
        .output_names = (const char **)outputs,
        .output_values = (OrtValue **)(outputs + most_outputs),
        .output_ports = (const Port **)(outputs + 2 * most_outputs),
        .given = (uint8_t *)(outputs + 3 * most_outputs),
    };
    slipway_status *refusal = run(model, execution, &frame);
    release(model, &frame);
    if (memory != room) free(memory);
    return refusal;
}
