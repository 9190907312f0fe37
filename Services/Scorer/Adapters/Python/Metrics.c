#include "Worker.h"

#include <stdio.h>
#include <stdlib.h>

typedef Slipway__Adapter__V1__AdapterMetric metric;

enum { totals = 5, most_workers = 64 };

static void set(metric *one, char *name, char *help, double value) {
    slipway__adapter__v1__adapter_metric__init(one);
    one->name = name;
    one->help = help;
    one->value = value;
}

slipway_status *python_metrics(slipway_model *model, slipway_sink *sink) {
    metric all[totals + most_workers];
    char names[most_workers][48];
    metric *pointers[totals + most_workers];
    size_t count = totals;
    uint64_t workers = 0, memory = 0;
    pthread_mutex_lock(&model->lock);
    for (python_worker *worker = model->workers; worker; worker = worker->sibling) {
        uint64_t held = python_worker_memory(worker);
        workers += held > 0;
        memory += held;
        size_t place = count - totals;
        if (place == most_workers) continue;
        snprintf(names[place], sizeof names[place], "worker_%u_memory_bytes", worker->index);
        set(&all[count++], names[place], "Memory that this worker holds.", (double)held);
    }
    pthread_mutex_unlock(&model->lock);
    set(&all[0], "workers", "Worker processes that run.", (double)workers);
    set(&all[1], "worker_memory_bytes", "Memory that all workers hold.", (double)memory);
    set(&all[2], "worker_restarts_total", "Workers started in place of ones that ended.",
        (double)atomic_load(&model->restarts));
    set(&all[3], "worker_executions_total", "Requests given to workers.", (double)atomic_load(&model->executions));
    set(&all[4], "script_failures_total", "Requests that the script raised an error for.",
        (double)atomic_load(&model->script_failures));
    for (size_t index = 0; index < count; ++index) pointers[index] = &all[index];
    Slipway__Adapter__V1__AdapterMetrics message = SLIPWAY__ADAPTER__V1__ADAPTER_METRICS__INIT;
    message.n_metrics = count;
    message.metrics = pointers;
    return adapter_write(model->state->host, sink, &message.base);
}
