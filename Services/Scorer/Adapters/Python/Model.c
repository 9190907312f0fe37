#include "Model.h"

#include "Worker.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const adapter_option python_model_options[] = {
    {"entry", "The entry script, relative to the model's folder.", "score.py"},
    {"interpreter", "The Python that runs it: a path, or a name in PATH. A virtual environment's is right.", NULL},
    {"allow_pickle", "Whether pickles may be loaded, which executes whatever is in them.", "false"},
    {"datatype", "What a model in a pickle takes: FP32 or FP64.", "FP64"},
    {"memory_limit", "The most address space of a worker, in bytes or with K, M, G; 0: no limit.", "0"},
    {"init_timeout", "Seconds until a script and its init() have to be done; 0: no limit.", "310"},
    {"execution_timeout", "Seconds that a run() may take, whatever the request's deadline; 0: no limit.", "0"},
    {"cancel_grace", "Seconds that an interrupted run() has until its worker is killed.", "1"},
    {"env.*", "A variable of the script's environment: `env.LEVEL` sets LEVEL.", NULL},
    {NULL, NULL, NULL},
};

static slipway_status *seconds(const adapter_settings *settings, const char *name, int64_t *nanoseconds) {
    double value = 0;
    slipway_status *refusal = adapter_setting_number(settings, name, &value);
    if (refusal) return refusal;
    if (!(value >= 0 && value <= 1e9)) {
        return adapter_status(
            settings->host, SLIPWAY_INVALID_ARGUMENT, "the option `%s` is `%s`; it is a number of seconds from 0 on",
            name, adapter_setting(settings, name));
    }
    *nanoseconds = (int64_t)(value * 1e9);
    return NULL;
}

static slipway_status *bytes(const adapter_settings *settings, const char *name, int64_t *size) {
    const char *text = adapter_setting(settings, name);
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    unsigned shift = 0;
    if (end != text && *end) {
        const char *unit = strchr("KMGT", *end);
        shift = unit ? 10 * (unsigned)(unit - "KMGT" + 1) : 0;
        if (shift) end += !strncmp(end + 1, "iB", 2) ? 3 : end[1] == 'i' || end[1] == 'B' ? 2 : 1;
    }
    if (end == text || *end || errno || *text == '-' || value > (unsigned long long)INT64_MAX >> shift) {
        return adapter_status(
            settings->host, SLIPWAY_INVALID_ARGUMENT, "the option `%s` is `%s`; it is a number of bytes, as 512M or 2G",
            name, text);
    }
    *size = (int64_t)(value << shift);
    if (*size > 0 && *size < 64 << 20) {
        return adapter_status(
            settings->host, SLIPWAY_INVALID_ARGUMENT,
            "the option `%s` is `%s`; no interpreter starts in less than 64M of address space", name, text);
    }
    return NULL;
}

static slipway_status *settle_interpreter(slipway_model *model, const adapter_settings *settings) {
    slipway_adapter_state *state = model->state;
    const char *from = "the model's option `interpreter`";
    const char *name = adapter_setting(settings, "interpreter");
    if (!name || !*name) {
        from = "the adapter's option `interpreter`";
        for (size_t index = 0; index < state->options->n_options; ++index) {
            if (!strcmp(state->options->options[index]->key, "interpreter")) name = state->options->options[index]->value;
        }
    }
    if (!name || !*name) {
        from = "the adapter's library";
        name = state->options->library;
    }
    if (!*name) {
        from = "the environment variable SLIPWAY_PYTHON";
        name = getenv("SLIPWAY_PYTHON");
    }
    if (!name || !*name) {
        from = "default";
        name = "python3";
    }
    return python_interpreter(state->host, name, from, &model->interpreter);
}

static slipway_status *settle_options(slipway_model *model, const adapter_settings *settings) {
    static const char *const datatypes[] = {"FP32", "FP64", NULL};
    bool allows_pickle = false;
    int datatype = 1;
    slipway_status *refusal = adapter_setting_flag(settings, "allow_pickle", &allows_pickle);
    if (!refusal) refusal = adapter_setting_choice(settings, "datatype", datatypes, &datatype);
    if (!refusal) refusal = bytes(settings, "memory_limit", &model->memory_limit);
    if (!refusal) refusal = seconds(settings, "init_timeout", &model->init_timeout);
    if (!refusal) refusal = seconds(settings, "execution_timeout", &model->execution_timeout);
    if (!refusal) refusal = seconds(settings, "cancel_grace", &model->cancel_grace);
    if (refusal) return refusal;
    if (model->kind != PYTHON_SCRIPT && !allows_pickle) {
        return adapter_status(
            settings->host, SLIPWAY_FAILED_PRECONDITION,
            "%s is a pickle, and loading it executes whatever is in it: set the model's option allow_pickle to true if "
            "you trust where it comes from",
            model->path);
    }
    model->datatype = strdup(datatypes[datatype]);
    if (!model->datatype) return adapter_out_of_memory(settings->host, "the model");
    return settle_interpreter(model, settings);
}

static slipway_status *settle(slipway_model *model, const adapter_load_request *request) {
    const slipway_host *host = model->state->host;
    adapter_settings settings;
    slipway_status *refusal = adapter_settings_of_model(host, request, python_model_options, &settings);
    if (refusal) return refusal;
    const char *entry = adapter_setting_is_given(&settings, "entry") ? adapter_setting(&settings, "entry") : NULL;
    python_finding finding;
    slipway_code code = python_find(request->folder, request->file, entry, &finding);
    if (code) {
        refusal = adapter_status(host, code, "%s", finding.reason);
    } else {
        model->kind = finding.kind;
        model->format = finding.format;
        model->name = strdup(*request->name ? request->name : "without a name");
        model->folder = realpath(request->folder, NULL);
        if (!model->folder || !model->name || asprintf(&model->path, "%s/%s", model->folder, finding.file) < 0) {
            model->path = NULL;
            refusal = adapter_out_of_memory(host, "the model");
        }
    }
    python_finding_free(&finding);
    if (!refusal) refusal = settle_options(model, &settings);
    if (!refusal && !(model->environment = python_environment(model, request))) {
        refusal = adapter_out_of_memory(host, "the environment of the model's workers");
    }
    return refusal;
}

void python_model_release(slipway_model *model) {
    if (atomic_fetch_sub(&model->references, 1) > 1) return;
    python_environment_free(model->environment);
    free(model->spare);
    free(model->name);
    free(model->folder);
    free(model->path);
    free(model->interpreter);
    free(model->datatype);
    free(model->description);
    pthread_mutex_destroy(&model->lock);
    pthread_mutex_destroy(&model->saying);
    free(model);
}

/* The first worker tells whether the model loads and what it is; the others start behind it. */
static slipway_status *start_workers(slipway_model *model, uint32_t instances) {
    const slipway_host *host = model->state->host;
    model->spare = calloc(instances, sizeof *model->spare);
    if (!model->spare) return adapter_out_of_memory(host, "the model's workers");
    for (uint32_t index = 0; index < instances; ++index) {
        python_worker *worker = python_worker_make(model, index);
        if (!worker) return adapter_out_of_memory(host, "a worker");
        model->spare[model->spare_count++] = worker;
        slipway_status *refusal = index == 0 ? python_worker_wait(worker) : NULL;
        if (refusal) return refusal;
    }
    return NULL;
}

slipway_status *python_load(slipway_adapter_state *state, slipway_bytes load_request, slipway_model **loaded) {
    enum { most_instances = 1024 };
    adapter_load_request *request = NULL;
    slipway_status *refusal = adapter_load_request_unpack(state->host, load_request, &request);
    if (refusal) return refusal;
    slipway_model *model = calloc(1, sizeof *model);
    if (!model) {
        adapter_load_request_free(request);
        return adapter_out_of_memory(state->host, "the model");
    }
    model->state = state;
    model->references = 1;
    pthread_mutex_init(&model->lock, NULL);
    pthread_mutex_init(&model->saying, NULL);
    uint32_t instances = request->instances ? request->instances : 1;
    if (instances > most_instances) {
        refusal = adapter_status(
            state->host, SLIPWAY_INVALID_ARGUMENT, "%u instances are %u processes; at most %d are started", instances,
            instances, most_instances);
    }
    if (!refusal) refusal = settle(model, request);
    adapter_load_request_free(request);
    if (!refusal) refusal = python_thread_start(state);
    if (!refusal) refusal = start_workers(model, instances);
    if (refusal) {
        python_unload(model);
        return refusal;
    }
    *loaded = model;
    return NULL;
}

void python_unload(slipway_model *model) {
    for (size_t index = 0; index < model->spare_count; ++index) {
        if (model->spare[index]) python_worker_free(model->spare[index]);
    }
    model->spare_count = 0;
    python_model_release(model);
}

slipway_status *python_describe_model(slipway_model *model, slipway_sink *sink) {
    const slipway_host *host = model->state->host;
    host->write(host->context, sink, model->description, model->description_size);
    return NULL;
}

slipway_status *python_create_instance(slipway_model *model, slipway_bytes options, slipway_instance **instance) {
    const slipway_host *host = model->state->host;
    adapter_instance_options *read = slipway__adapter__v1__instance_options__unpack(NULL, options.size, options.data);
    if (!read) {
        return adapter_status(
            host, SLIPWAY_INVALID_ARGUMENT, "the instance's options are no slipway.adapter.v1.InstanceOptions");
    }
    uint32_t index = read->index;
    slipway__adapter__v1__instance_options__free_unpacked(read, NULL);
    python_worker *worker = NULL;
    pthread_mutex_lock(&model->lock);
    for (size_t place = 0; place < model->spare_count && !worker; ++place) {
        worker = model->spare[place];
        model->spare[place] = NULL;
    }
    pthread_mutex_unlock(&model->lock);
    if (!worker) worker = python_worker_make(model, index);
    if (!worker) return adapter_out_of_memory(host, "a worker");
    slipway_status *refusal = python_worker_wait(worker);
    if (refusal) {
        python_worker_free(worker);
        return refusal;
    }
    *instance = (slipway_instance *)worker;
    return NULL;
}

void python_destroy_instance(slipway_instance *instance) {
    python_worker_free((python_worker *)instance);
}
