/* What a request to an entry script costs beside the script: microseconds from `execute` to the completion, one request
 * after the other, as median and 99th percentile of each round, for documents and for tensors.
 *
 *   python_overhead ADAPTER INTERPRETER FOLDER [SIZE]
 *   clang -O2 -D_GNU_SOURCE -IShared/AdapterABI/include -IServices/Scorer/Adapters/Messages/include -o python_overhead \
 *       Tests/Scoring/drivers/python_overhead.c Services/Scorer/Adapters/Messages/adapter.pb-c.c -lprotobuf-c -ldl
 *
 * The first line is how it is run, the second how it is built. A model of documents gets SIZE bytes of JSON text; one of tensors an FP32 input `x` of [1, SIZE / 4]. */
#include <adapter.pb-c.h>
#include <slipway_adapter.h>

#include <dlfcn.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 5, EXECUTIONS = 20000 };

static _Alignas(64) char answer[1 << 26];
static sem_t done;
static int failed;
static char description[1 << 16];
static size_t description_size;

static slipway_status *make_status(void *context, slipway_code code, const char *message, uint64_t size) {
    (void)context;
    fprintf(stderr, "status %d: %.*s\n", code, (int)size, message);
    return (slipway_status *)answer;
}

static void log_line(void *context, slipway_log_level level, const char *message, uint64_t size) {
    (void)context, (void)level;
    fprintf(stderr, "%.*s\n", (int)size, message);
}

static void write_bytes(void *context, slipway_sink *sink, const void *data, uint64_t size) {
    (void)context, (void)sink;
    if (size > sizeof description) exit(3);
    memcpy(description, data, size);
    description_size = size;
}

static void *output(
    void *context, slipway_execution *execution, slipway_bytes name, slipway_datatype datatype, const int64_t *shape,
    uint32_t rank, uint64_t size, slipway_status **refusal) {
    (void)context, (void)execution, (void)name, (void)datatype, (void)shape, (void)rank, (void)refusal;
    if (size > sizeof answer) exit(3);
    return answer;
}

static void complete(void *context, slipway_execution *execution, slipway_status *status) {
    (void)context, (void)execution;
    if (status) failed = 1;
    sem_post(&done);
}

static int32_t is_cancelled(void *context, const slipway_execution *execution) {
    (void)context, (void)execution;
    return 0;
}

static const slipway_host host = {
    sizeof host, SLIPWAY_ADAPTER_MAJOR, SLIPWAY_ADAPTER_MINOR, 0, NULL, make_status, log_line, write_bytes, output,
    complete, is_cancelled,
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int compare(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static void check(slipway_status *status) {
    if (status) exit(1);
}

int main(int count, char **arguments) {
    if (count < 4) return 2;
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    slipway_adapter_entry_function entry = library ? (slipway_adapter_entry_function)dlsym(library, SLIPWAY_ADAPTER_ENTRY) : NULL;
    if (!entry) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    const slipway_adapter *adapter = entry(SLIPWAY_ADAPTER_MAJOR);
    uint8_t packed[8192];
    Slipway__Adapter__V1__AdapterOptions options = SLIPWAY__ADAPTER__V1__ADAPTER_OPTIONS__INIT;
    options.library = arguments[2];
    slipway_adapter_state *state;
    check(adapter->open(
        &host, (slipway_bytes){packed, slipway__adapter__v1__adapter_options__pack(&options, packed)}, &state));
    Slipway__Adapter__V1__LoadRequest request = SLIPWAY__ADAPTER__V1__LOAD_REQUEST__INIT;
    request.name = "overhead";
    request.folder = arguments[3];
    request.instances = 1;
    slipway_model *model;
    double start = now();
    check(adapter->load(
        state, (slipway_bytes){packed, slipway__adapter__v1__load_request__pack(&request, packed)}, &model));
    printf("loaded in %.1f ms\n", (now() - start) / 1e3);
    slipway_instance *instance;
    check(adapter->create_instance(model, (slipway_bytes){NULL, 0}, &instance));
    check(adapter->describe_model(model, NULL));
    Slipway__Adapter__V1__ModelDescription *described =
        slipway__adapter__v1__model_description__unpack(NULL, description_size, (uint8_t *)description);
    int is_document = described && described->interface == SLIPWAY__ADAPTER__V1__MODEL_INTERFACE__MODEL_INTERFACE_DOCUMENT;
    slipway__adapter__v1__model_description__free_unpacked(described, NULL);

    uint32_t size = count > 4 ? (uint32_t)strtoul(arguments[4], NULL, 10) : 16;
    char *content = malloc(size + 4);
    memset(content, is_document ? ' ' : 0, size + 4);
    if (is_document) {
        memcpy(content, &size, 4);
        if (size >= 2) memcpy(content + 4, "{}", 2);
    }
    int64_t shape[] = {1, size / 4};
    slipway_tensor tensor = {
        sizeof tensor, is_document ? SLIPWAY_BYTES : SLIPWAY_FP32, {is_document ? "body" : "x", is_document ? 4 : 1},
        shape, is_document ? 1 : 2, 0, content, is_document ? size + 4 : size,
    };
    slipway_execution execution = {sizeof execution, 1, &tensor, NULL, 0, 1, 0, {NULL, 0}, NULL};
    sem_init(&done, 0, 0);
    static double times[EXECUTIONS];
    int executions = size > 1 << 16 ? EXECUTIONS / 100 : EXECUTIONS;
    for (int round = 0; round < ROUNDS && !failed; ++round) {
        double began = now();
        for (int index = 0; index < executions; ++index) {
            double from = now();
            int32_t pending = 0;
            check(adapter->execute(model, instance, &execution, &pending));
            if (pending) sem_wait(&done);
            times[index] = now() - from;
        }
        double whole = now() - began;
        qsort(times, (size_t)executions, sizeof *times, compare);
        printf(
            "%u bytes: p50 %.1f us, p99 %.1f us, %.0f requests/s\n", size, times[executions / 2],
            times[executions * 99 / 100], executions / whole * 1e6);
    }
    adapter->destroy_instance(instance);
    adapter->unload(model);
    adapter->close(state);
    return failed;
}
