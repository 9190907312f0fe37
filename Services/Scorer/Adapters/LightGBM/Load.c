#include "Adapter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The library's log has no context, and an adapter is opened once in a process. */
static const slipway_host *log_host;

static void write_log(const char *message) {
    size_t size = strlen(message);
    while (size > 0 && message[size - 1] == '\n') --size;
    if (size > 0 && log_host) adapter_log(log_host, SLIPWAY_LOG_WARNING, "LightGBM: %.*s", (int)size, message);
}

static slipway_status *make_booster(slipway_model *model, const char *path, const char *text) {
    log_host = model->host;
    lightgbm.register_log(write_log);
    int iterations = 0;
    if (lightgbm.booster_load(text, &iterations, &model->booster)) {
        model->booster = NULL;
        return lightgbm_failed(model->host, SLIPWAY_FAILED_PRECONDITION, path);
    }
    int64_t count = 0;
    if (lightgbm.answer_count(
            model->booster, 1, model->settings.raw_score ? LIGHTGBM_RAW : LIGHTGBM_NORMAL,
            (int)model->settings.first_iteration, (int)model->settings.iteration_count, &count)) {
        return lightgbm_failed(model->host, SLIPWAY_FAILED_PRECONDITION, path);
    }
    /* What it writes has to fit what is reserved for it. */
    if (count != model->groups) {
        return adapter_status(
            model->host, SLIPWAY_FAILED_PRECONDITION, "%s: LightGBM gives %lld answers for a row; %u were expected", path,
            (long long)count, model->groups);
    }
    return NULL;
}

static void describe(slipway_model *model, const lightgbm_model *file) {
    adapter_description *description = &model->description;
    int64_t output[2] = {-1, model->groups};
    adapter_tensor_description *rows = trees_rows_describe(description, SLIPWAY_FP64, model->features);
    for (uint32_t index = 0; index < model->features; ++index) {
        adapter_description_column(description, rows, file->feature_names[index]);
    }
    adapter_description_output(description, TREES_OUTPUT, SLIPWAY_FP64, output, model->groups == 1 ? 1 : 2);
    if (description->message) {
        description->message->batches = true;
        description->message->concurrent_executions = true;
    }
    adapter_description_fact(description, "objective", "%s", *file->objective ? file->objective : "none");
    adapter_description_fact(
        description, "iterations", "%lld to %lld of %u", (long long)model->settings.first_iteration,
        (long long)(model->settings.first_iteration + model->settings.iteration_count), file->iterations);
    if (model->settings.raw_score) adapter_description_fact(description, "output", "raw scores");
    if (file->has_pandas_categories) {
        adapter_description_fact(
            description, "categories", "trained on categories of a data frame; the inputs are their codes");
    }
    adapter_description_fact(description, "threads", "%d", (int)model->settings.threads);
    adapter_description_fact(description, "library", "%s", lightgbm_path());
}

static slipway_status *make_model(
    slipway_model *model, const adapter_load_request *request, const lightgbm_model *file, const char *path,
    const char *text) {
    slipway_status *status = lightgbm_settings_read(model->host, request, file, &model->settings);
    if (status) return status;
    model->features = file->features;
    model->groups = file->groups;
    model->averages = file->averages;
    model->objective = objective_read(file->objective);
    snprintf(
        model->parameters, sizeof model->parameters, "num_threads=%d verbosity=-1", (int)model->settings.threads);
    status = make_booster(model, path, text);
    if (status) return status;
    model->description = adapter_description_make("lightgbm-text", file->version);
    describe(model, file);
    return lightgbm_choose(model, file);
}

static slipway_model *allocate(const slipway_host *host) {
    slipway_model *model = calloc(1, sizeof *model);
    if (!model) return NULL;
    model->host = host;
    for (int type = 0; type < 2; ++type) pthread_mutex_init(&model->fast[type].is_busy, NULL);
    return model;
}

slipway_status *lightgbm_load(
    slipway_adapter_state *state, const adapter_load_request *request, slipway_model **loaded) {
    const slipway_host *host = state->host;
    slipway_status *status = lightgbm_open(host, state->options->library, state->options->folder);
    if (status) return status;
    char *path, *text;
    size_t size;
    status = trees_adapter_read(state, request, &path, &text, &size);
    if (status) return status;
    lightgbm_model file;
    status = lightgbm_model_read(host, path, text, size, &file);
    slipway_model *model = NULL;
    if (!status) {
        model = allocate(host);
        status = model ? make_model(model, request, &file, path, text) : adapter_out_of_memory(host, path);
        lightgbm_model_free(&file);
    }
    free(path);
    free(text);
    if (status) {
        lightgbm_unload(model);
        return status;
    }
    *loaded = model;
    return NULL;
}

void lightgbm_unload(slipway_model *model) {
    if (!model) return;
    for (int type = 0; type < 2; ++type) {
        if (model->fast[type].handle) lightgbm.fast_free(model->fast[type].handle);
        pthread_mutex_destroy(&model->fast[type].is_busy);
    }
    if (model->booster) lightgbm.booster_free(model->booster);
    trees_forest_free(model->choice.forest);
    adapter_description_free(&model->description);
    free(model);
}
