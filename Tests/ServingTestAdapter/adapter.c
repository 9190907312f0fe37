#include "serving_test_adapter.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slipway_adapter.h"

/* ---- Messages, by hand: text and numbers are all that is needed ------------------------------------------------ */

typedef struct message {
    uint8_t bytes[1024];
    size_t size;
} message;

static void put_number(message *to, uint64_t value) {
    for (; value >= 128; value >>= 7) to->bytes[to->size++] = (uint8_t)(value | 128);
    to->bytes[to->size++] = (uint8_t)value;
}

static void put_field(message *to, uint32_t field, uint64_t value) {
    put_number(to, field << 3);
    put_number(to, value);
}

static void put_bytes(message *to, uint32_t field, const void *data, size_t size) {
    put_number(to, field << 3 | 2);
    put_number(to, size);
    memcpy(to->bytes + to->size, data, size);
    to->size += size;
}

static void put_text(message *to, uint32_t field, const char *text) { put_bytes(to, field, text, strlen(text)); }

static void put_tensor(message *to, uint32_t field, const char *name, int32_t datatype, int64_t second) {
    message tensor = {.size = 0}, shape = {.size = 0};
    put_text(&tensor, 1, name);
    put_field(&tensor, 2, (uint64_t)datatype);
    put_number(&shape, (uint64_t)-1);
    if (second != 0) put_number(&shape, (uint64_t)second);
    put_bytes(&tensor, 3, shape.bytes, shape.size);
    put_bytes(to, field, tensor.bytes, tensor.size);
}

/* The text of field 4 of a LoadRequest, which has only fields of text, numbers and messages. */
static int find_text(slipway_bytes request, uint32_t wanted, char *out, size_t capacity) {
    const uint8_t *at = request.data, *end = at + request.size;
    while (at < end) {
        uint32_t tag = *at++;
        uint64_t value = 0;
        for (int shift = 0; at < end; shift += 7) {
            value |= (uint64_t)(*at & 127) << shift;
            if (!(*at++ & 128)) break;
        }
        if ((tag & 7) == 2) {
            if (tag >> 3 == wanted && value < capacity) {
                memcpy(out, at, value);
                out[value] = 0;
                return 1;
            }
            at += value;
        }
    }
    out[0] = 0;
    return 0;
}

/* ---- State ------------------------------------------------------------------------------------------------------ */

struct slipway_adapter_state {
    const slipway_host *host;
};
struct slipway_model {
    const slipway_host *host;
    char behaviour[64];
    atomic_int instances;
};
struct slipway_instance {
    slipway_model *model;
    pthread_t thread;
    int has_thread;
    slipway_execution *execution;
    pthread_mutex_t mutex;
    pthread_cond_t told;
    int is_told;
};

static atomic_int models, instances, disorder, by_itself;
static _Atomic uint64_t input_address, output_address;

int32_t serving_test_models(void) { return models; }
int32_t serving_test_instances(void) { return instances; }
int32_t serving_test_disorder(void) { return disorder; }
int32_t serving_test_destroyed_by_itself(void) { return by_itself; }
uint64_t serving_test_input_address(void) { return input_address; }
uint64_t serving_test_output_address(void) { return output_address; }

static slipway_status *failed(const slipway_host *host, slipway_code code, const char *text) {
    return host->status(host->context, code, text, strlen(text));
}

static slipway_status *open_adapter(const slipway_host *host, slipway_bytes options, slipway_adapter_state **state) {
    char library[64];
    if (find_text(options, 2, library, sizeof(library)) && strcmp(library, "missing") == 0)
        return failed(host, SLIPWAY_UNAVAILABLE, "there is no library \"missing\"");
    *state = calloc(1, sizeof(**state));
    (*state)->host = host;
    host->log(host->context, SLIPWAY_LOG_INFO, "opened", 6);
    return NULL;
}

static void close_adapter(slipway_adapter_state *state) { free(state); }

static slipway_status *describe(slipway_adapter_state *state, slipway_sink *sink) {
    message out = {.size = 0};
    put_text(&out, 1, "test");
    put_text(&out, 2, "1");
    put_field(&out, 7, 16);
    state->host->write(state->host->context, sink, out.bytes, out.size);
    return NULL;
}

static slipway_status *recognise(slipway_adapter_state *state, slipway_bytes request, slipway_sink *sink) {
    char folder[256];
    message out = {.size = 0};
    find_text(request, 3, folder, sizeof(folder));
    put_field(&out, 1, strstr(folder, "test-model") ? 90 : 0);
    put_text(&out, 4, strstr(folder, "test-model") ? "its name says so" : "its name says nothing");
    state->host->write(state->host->context, sink, out.bytes, out.size);
    return NULL;
}

static slipway_status *load(slipway_adapter_state *state, slipway_bytes request, slipway_model **model) {
    char behaviour[64];
    find_text(request, 4, behaviour, sizeof(behaviour));
    if (strcmp(behaviour, "damaged") == 0)
        return failed(state->host, SLIPWAY_FAILED_PRECONDITION, "the file ends in the middle");
    if (strcmp(behaviour, "crash") == 0) *(volatile int *)(uintptr_t)find_text = 0; /* Code is not to be written. */
    if (strcmp(behaviour, "hang") == 0)
        for (;;) pause();
    if (strcmp(behaviour, "wordless") == 0) return failed(state->host, SLIPWAY_INTERNAL, "");
    if (strcmp(behaviour, "invented") == 0) return (slipway_status *)state;
    if (strcmp(behaviour, "nothing") == 0) return NULL;
    *model = calloc(1, sizeof(**model));
    (*model)->host = state->host;
    strcpy((*model)->behaviour, behaviour);
    models++;
    return NULL;
}

static void unload(slipway_model *model) {
    if (model->instances != 0) disorder++;
    models--;
    free(model);
}

static int is(const slipway_model *model, const char *behaviour) { return strcmp(model->behaviour, behaviour) == 0; }

static slipway_status *describe_model(slipway_model *model, slipway_sink *sink) {
    message out = {.size = 0};
    if (is(model, "undescribed")) return failed(model->host, SLIPWAY_INTERNAL, "no description today");
    put_text(&out, 1, "test");
    put_tensor(&out, 4, "x", SLIPWAY_FP32, 2);
    put_tensor(&out, 5, "y", SLIPWAY_FP32, 2);
    put_tensor(&out, 5, is(model, "alike") ? "y" : "n", is(model, "torn") ? SLIPWAY_BYTES : SLIPWAY_INT64, 0);
    put_field(&out, 6, 1);
    if (is(model, "garbled")) out.size -= 3;
    model->host->write(model->host->context, sink, out.bytes, out.size);
    return NULL;
}

static slipway_status *create_instance(slipway_model *model, slipway_bytes options, slipway_instance **instance) {
    (void)options;
    *instance = calloc(1, sizeof(**instance));
    (*instance)->model = model;
    pthread_mutex_init(&(*instance)->mutex, NULL);
    pthread_cond_init(&(*instance)->told, NULL);
    model->instances++;
    instances++;
    return NULL;
}

static void destroy_instance(slipway_instance *instance) {
    if (instance->has_thread) {
        if (pthread_equal(instance->thread, pthread_self())) {
            by_itself++;
            pthread_detach(instance->thread);
        } else {
            pthread_join(instance->thread, NULL);
        }
    }
    instance->model->instances--;
    instances--;
    free(instance);
}

static void *reserve(
    slipway_model *model, slipway_execution *execution, const char *name, int32_t datatype, const int64_t *shape,
    uint32_t rank, uint64_t size, slipway_status **refusal) {
    slipway_bytes bytes = {name, strlen(name)};
    return model->host->output(model->host->context, execution, bytes, datatype, shape, rank, size, refusal);
}

/* y = x + 1, n = the row's number; or whatever else the behaviour asks for. */
static slipway_status *compute(slipway_model *model, slipway_execution *execution) {
    slipway_status *refusal = NULL;
    const slipway_tensor *x = execution->inputs;
    const slipway_host *host = model->host;
    if (is(model, "error")) return failed(host, SLIPWAY_INTERNAL, "it went wrong");
    if (is(model, "full")) return failed(host, SLIPWAY_RESOURCE_EXHAUSTED, "all workers are busy");
    if (execution->input_count != 1 || x->rank != 2 || x->shape[1] != 2 || x->datatype != SLIPWAY_FP32)
        return failed(host, SLIPWAY_INVALID_ARGUMENT, "x must be FP32 [-1, 2]");
    input_address = (uint64_t)(uintptr_t)x->data;
    int64_t rows = x->shape[0], shape[2] = {rows, 2};
    uint64_t size = (uint64_t)rows * 8;
    if (is(model, "unknown-output")) reserve(model, execution, "z", SLIPWAY_FP32, shape, 2, size, &refusal);
    if (is(model, "wrong-size")) reserve(model, execution, "y", SLIPWAY_FP32, shape, 2, size + 1, &refusal);
    if (is(model, "wrong-type")) reserve(model, execution, "y", SLIPWAY_INT32, shape, 2, size, &refusal);
    if (is(model, "no-type")) reserve(model, execution, "y", 77, shape, 2, size, &refusal);
    if (is(model, "negative")) {
        int64_t negative[2] = {-1, 2};
        reserve(model, execution, "y", SLIPWAY_FP32, negative, 2, size, &refusal);
    }
    if (is(model, "huge")) {
        int64_t huge[2] = {(int64_t)1 << 40, 2};
        reserve(model, execution, "y", SLIPWAY_FP32, huge, 2, (uint64_t)8 << 40, &refusal);
    }
    if (refusal) return refusal;
    float *y = reserve(model, execution, "y", SLIPWAY_FP32, shape, 2, size, &refusal);
    if (!y) return refusal;
    output_address = (uint64_t)(uintptr_t)y;
    for (int64_t index = 0; index < rows * 2; index++) y[index] = ((const float *)x->data)[index] + 1;
    if (is(model, "overrun")) y[rows * 2] = 1;
    if (is(model, "output-twice") && !reserve(model, execution, "y", SLIPWAY_FP32, shape, 2, size, &refusal))
        return refusal;
    if (is(model, "half")) return NULL;
    int64_t *n = reserve(model, execution, "n", is(model, "torn") ? SLIPWAY_BYTES : SLIPWAY_INT64, shape, 1, (uint64_t)rows * 8, &refusal);
    if (!n) return refusal;
    for (int64_t row = 0; row < rows; row++) n[row] = row;
    if (is(model, "torn") && rows > 0) n[0] = 99;
    return NULL;
}

/* Waits to be told that nobody waits where the first number is negative. */
static void *complete_later(void *argument) {
    slipway_instance *instance = argument;
    slipway_model *model = instance->model;
    slipway_execution *execution = instance->execution;
    const slipway_host *host = model->host;
    const float *x = execution->inputs[0].data;
    slipway_status *status;
    if (execution->inputs[0].size >= 4 && x[0] < 0) {
        pthread_mutex_lock(&instance->mutex);
        while (!instance->is_told) pthread_cond_wait(&instance->told, &instance->mutex);
        pthread_mutex_unlock(&instance->mutex);
        status = host->is_cancelled(host->context, execution) ? failed(host, SLIPWAY_CANCELLED, "nobody waits")
                                                              : failed(host, SLIPWAY_INTERNAL, "not told by the host");
    } else {
        status = compute(model, execution);
    }
    int again = is(model, "twice");
    host->complete(host->context, execution, status);
    if (again) host->complete(host->context, execution, NULL);
    return NULL;
}

static slipway_status *execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending) {
    const slipway_host *host = model->host;
    if (is(model, "pending") || is(model, "twice")) {
        if (instance->has_thread) pthread_join(instance->thread, NULL);
        instance->execution = execution;
        instance->is_told = 0;
        instance->has_thread = 1;
        *pending = 1;
        if (pthread_create(&instance->thread, NULL, complete_later, instance) == 0) return NULL;
        instance->has_thread = 0;
        return failed(host, SLIPWAY_RESOURCE_EXHAUSTED, "no thread");
    }
    if (strncmp(model->behaviour, "early", 5) == 0 || is(model, "unasked")) {
        *pending = !is(model, "unasked");
        host->complete(host->context, execution, compute(model, execution));
        if (is(model, "early-twice")) host->complete(host->context, execution, NULL);
        return is(model, "early-error") ? failed(host, SLIPWAY_INTERNAL, "and yet it failed") : NULL;
    }
    if (is(model, "stranger")) {
        static _Alignas(64) char bytes[256];
        host->complete(host->context, (slipway_execution *)bytes, NULL);
    }
    slipway_status *status = compute(model, execution);
    if (is(model, "ended")) {
        instance->execution = instance->execution ? instance->execution : execution;
        if (instance->execution != execution) host->complete(host->context, instance->execution, NULL);
    }
    return status;
}

static void cancel(slipway_model *model, slipway_instance *instance, slipway_execution *execution) {
    (void)model;
    (void)execution;
    pthread_mutex_lock(&instance->mutex);
    instance->is_told = 1;
    pthread_cond_signal(&instance->told);
    pthread_mutex_unlock(&instance->mutex);
}

static slipway_status *metrics(slipway_model *model, slipway_sink *sink) {
    message out = {.size = 0}, metric = {.size = 0};
    put_text(&metric, 1, "executions_total");
    put_bytes(&out, 1, metric.bytes, metric.size);
    model->host->write(model->host->context, sink, out.bytes, out.size);
    return NULL;
}

/* ---- Entries ---------------------------------------------------------------------------------------------------- */

#define WHOLE                                                                                                   \
    .struct_size = sizeof(slipway_adapter), .major = SLIPWAY_ADAPTER_MAJOR, .open = open_adapter,               \
    .close = close_adapter, .describe = describe, .recognise = recognise, .load = load, .unload = unload,       \
    .describe_model = describe_model, .create_instance = create_instance, .destroy_instance = destroy_instance, \
    .execute = execute, .cancel = cancel, .metrics = metrics

#pragma clang diagnostic ignored "-Winitializer-overrides"
static const slipway_adapter whole = {WHOLE};
static const slipway_adapter other_major = {WHOLE, .major = 7};
static const slipway_adapter too_small = {WHOLE, .struct_size = 40};
static const slipway_adapter without_execute = {WHOLE, .execute = NULL, .unload = NULL};
/* Ends before `cancel`: what lies behind must not be looked at. */
static const slipway_adapter old = {WHOLE, .struct_size = offsetof(slipway_adapter, cancel)};

const void *serving_test_entry(uint32_t major) { return major == SLIPWAY_ADAPTER_MAJOR ? &whole : NULL; }
const void *serving_test_entry_none(uint32_t major) { return (void)major, NULL; }
const void *serving_test_entry_other_major(uint32_t major) { return (void)major, &other_major; }
const void *serving_test_entry_too_small(uint32_t major) { return (void)major, &too_small; }
const void *serving_test_entry_without_execute(uint32_t major) { return (void)major, &without_execute; }
const void *serving_test_entry_old(uint32_t major) { return (void)major, &old; }

#ifdef SERVING_TEST_LIBRARY
SLIPWAY_ADAPTER_EXPORT const slipway_adapter *slipway_adapter_entry(uint32_t major) { return serving_test_entry(major); }
#endif
