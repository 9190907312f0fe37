/* Adapters that break their contract, each in one way: the template for adapters in C, with a fault put over it.
 *
 * The template's entry gets another name, so that its table can be copied and changed here. */
#include <sched.h>
#include <unistd.h>

#define slipway_adapter_entry template_entry
#include "linear.c"
#undef slipway_adapter_entry

extern SLIPWAY_ADAPTER_EXPORT const slipway_adapter *slipway_adapter_entry(uint32_t major);

static slipway_adapter broken;

/* What the template asks of its input, and the memory of its output. */
static inline float *begin(slipway_model *model, slipway_execution *execution, slipway_status **status) {
    const slipway_tensor *x = execution->inputs;
    *status = NULL;
    if (execution->input_count != 1 || x->datatype != SLIPWAY_FP32 || x->rank != 2 || x->shape[1] != model->inputs ||
        x->name.size != 1 || memcmp(x->name.data, "x", 1) != 0) {
        *status = failure(
            model->host, SLIPWAY_INVALID_ARGUMENT, "x has to be FP32 of shape [rows, %ld]", (long)model->inputs);
        return NULL;
    }
    int64_t shape[] = {x->shape[0], model->outputs};
    return model->host->output(
        model->host->context, execution, (slipway_bytes){"y", 1}, SLIPWAY_FP32, shape, 2,
        (uint64_t)(shape[0] * shape[1]) * 4, status);
}

#if defined(FAULT_Leaking)
/* Keeps some memory of each model that it loads. */
static slipway_status *broken_load(slipway_adapter_state *state, slipway_bytes request, slipway_model **model) {
    static char *volatile kept;
    kept = malloc(8192);
    if (kept) memset(kept, 1, 8192);
    return load(state, request, model);
}
static void breaks(void) { broken.load = broken_load; }

#elif defined(FAULT_Crashing)
/* Reads where nothing is. */
static slipway_status *broken_load(slipway_adapter_state *state, slipway_bytes request, slipway_model **model) {
    const char *volatile nowhere = NULL;
    if (*nowhere) *model = NULL;
    return load(state, request, model);
}
static void breaks(void) { broken.load = broken_load; }

#elif defined(FAULT_Hanging)
/* Never comes back. */
static slipway_status *broken_load(slipway_adapter_state *state, slipway_bytes request, slipway_model **model) {
    while (state) pause();
    return load(state, request, model);
}
static void breaks(void) { broken.load = broken_load; }

#elif defined(FAULT_EmptyBatch)
/* Divides by the number of rows. */
static slipway_status *broken_execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending) {
    const slipway_tensor *x = execution->inputs;
    volatile int64_t share = 0;
    if (execution->input_count == 1 && x->rank == 2) share = (int64_t)x->size / x->shape[0];
    (void)share;
    return execute(model, instance, execution, pending);
}
static void breaks(void) { broken.execute = broken_execute; }

#elif defined(FAULT_Overrunning)
/* Writes one number more than its output has. */
static slipway_status *broken_execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending) {
    (void)instance, (void)pending;
    slipway_status *status;
    float *y = begin(model, execution, &status);
    if (!y) return status;
    int64_t count = execution->inputs->shape[0] * model->outputs;
    for (int64_t index = 0; index <= count; index++) y[index] = 1;
    return NULL;
}
static void breaks(void) { broken.execute = broken_execute; }

#elif defined(FAULT_Mixing)
/* Adds up in a buffer that all executions share. */
static volatile float sums[64];
static slipway_status *broken_execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending) {
    (void)instance, (void)pending;
    slipway_status *status;
    float *y = begin(model, execution, &status);
    if (!y) return status;
    const float *x = execution->inputs->data;
    for (int64_t row = 0; row < execution->inputs->shape[0]; row++, x += model->inputs) {
        const float *numbers = model->numbers;
        for (int64_t output = 0; output < model->outputs; output++, numbers += model->inputs + 1) {
            sums[output % 64] = numbers[0];
            for (int64_t input = 0; input < model->inputs; input++) sums[output % 64] += numbers[input + 1] * x[input];
            if (row == 0) sched_yield();
            *y++ = sums[output % 64];
        }
    }
    return NULL;
}
static void breaks(void) { broken.execute = broken_execute; }

#elif defined(FAULT_NeverCompleting)
/* Says that it will complete, and forgets. */
static slipway_status *broken_execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending) {
    slipway_status *status = execute(model, instance, execution, pending);
    if (!status) *pending = 1;
    return status;
}
static void breaks(void) { broken.execute = broken_execute; }

#elif defined(FAULT_TwiceCompleting)
/* Completes what it has just completed. */
static slipway_status *broken_execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending) {
    slipway_status *status = execute(model, instance, execution, pending);
    if (status) return status;
    *pending = 1;
    model->host->complete(model->host->context, execution, NULL);
    model->host->complete(model->host->context, execution, NULL);
    return NULL;
}
static void breaks(void) { broken.execute = broken_execute; }

#elif defined(FAULT_Wordless)
/* Refuses without saying why. */
static slipway_status *broken_execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending) {
    if (execution->inputs->rank != 2) return model->host->status(model->host->context, SLIPWAY_INVALID_ARGUMENT, "", 0);
    return execute(model, instance, execution, pending);
}
static void breaks(void) { broken.execute = broken_execute; }

#elif defined(FAULT_Accepting)
/* Takes rows of any length, and looks no further than the first number. */
static slipway_status *broken_execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending) {
    (void)instance, (void)pending;
    const slipway_tensor *x = execution->inputs;
    int64_t rows = execution->input_count > 0 && x->rank > 0 ? x->shape[0] : 0, shape[] = {rows, model->outputs};
    slipway_status *refusal = NULL;
    float *y = model->host->output(
        model->host->context, execution, (slipway_bytes){"y", 1}, SLIPWAY_FP32, shape, 2,
        (uint64_t)(rows * model->outputs) * 4, &refusal);
    if (!y) return refusal;
    for (int64_t index = 0; index < rows * model->outputs; index++) y[index] = model->numbers[0];
    return NULL;
}
static void breaks(void) { broken.execute = broken_execute; }

#elif defined(FAULT_Promising)
/* Says that it converts what it refuses. */
static slipway_status *broken_describe(slipway_model *model, slipway_sink *sink) {
    int64_t x_shape[] = {-1, model->inputs}, y_shape[] = {-1, model->outputs};
    Slipway__Adapter__V1__TensorDescription x = SLIPWAY__ADAPTER__V1__TENSOR_DESCRIPTION__INIT, y = x;
    Slipway__Adapter__V1__TensorDescription *inputs[] = {&x}, *outputs[] = {&y};
    Slipway__Adapter__V1__Datatype promised[] = {SLIPWAY__ADAPTER__V1__DATATYPE__DATATYPE_INT32};
    x.name = "x";
    y.name = "y";
    x.datatype = y.datatype = SLIPWAY__ADAPTER__V1__DATATYPE__DATATYPE_FP32;
    x.n_shape = y.n_shape = 2;
    x.shape = x_shape;
    y.shape = y_shape;
    x.n_also_takes = 1;
    x.also_takes = promised;
    Slipway__Adapter__V1__ModelDescription description = SLIPWAY__ADAPTER__V1__MODEL_DESCRIPTION__INIT;
    description.format = "linear";
    description.n_inputs = description.n_outputs = 1;
    description.inputs = inputs;
    description.outputs = outputs;
    description.batches = description.concurrent_executions = 1;
    return answer(model->host, sink, &description.base);
}
static void breaks(void) { broken.describe_model = broken_describe; }
#endif

const slipway_adapter *slipway_adapter_entry(uint32_t major) {
    const slipway_adapter *whole = template_entry(major);
    if (!whole) return NULL;
    broken = *whole;
    breaks();
    return &broken;
}
