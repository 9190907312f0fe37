#include "Adapter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The library's log has no context, and an adapter is opened once in a process. */
static const slipway_host *log_host;

static void write_log(const char *message) {
    if (log_host) adapter_log(log_host, SLIPWAY_LOG_WARNING, "XGBoost: %s", message);
}

static bool write_predict_settings(slipway_model *model) {
    const xgboost_settings *settings = &model->settings;
    adapter_text text = {0};
    adapter_text_format(
        &text, "{\"type\":%d,\"training\":false,\"iteration_begin\":%u,\"iteration_end\":%u,", settings->output_margin,
        settings->first_iteration, settings->end_iteration);
    if (isnan(settings->missing)) {
        adapter_text_add(&text, "\"missing\":NaN");
    } else if (isinf(settings->missing)) {
        adapter_text_add(&text, settings->missing < 0 ? "\"missing\":-Infinity" : "\"missing\":Infinity");
    } else {
        adapter_text_format(&text, "\"missing\":%.9e", (double)settings->missing);
    }
    adapter_text_add(&text, ",\"strict_shape\":false,\"cache_id\":0}");
    if (text.failed) adapter_text_free(&text);
    model->predict_settings = text.bytes;
    return text.bytes != NULL;
}

static slipway_status *make_booster(slipway_model *model, const char *path, const char *bytes, size_t size) {
    log_host = model->host;
    xgboost.register_log(write_log);
    char threads[16];
    snprintf(threads, sizeof threads, "%d", (int)model->settings.threads);
    if (xgboost.booster_create(NULL, 0, &model->booster)) {
        model->booster = NULL;
        return xgboost_failed(model->host, SLIPWAY_INTERNAL, "no booster can be made");
    }
    if (xgboost.booster_load(model->booster, bytes, size)) {
        return xgboost_failed(model->host, SLIPWAY_FAILED_PRECONDITION, path);
    }
    if (xgboost.booster_set(model->booster, "nthread", threads)) {
        return xgboost_failed(model->host, SLIPWAY_INTERNAL, "the number of threads can't be set");
    }
    return NULL;
}

/* Two rows tell the shape of answers; the booster is configured by it, after which it may be shared. */
static slipway_status *learn_shape(slipway_model *model) {
    float *rows = calloc((size_t)model->features * 2, sizeof *rows);
    if (!rows) return adapter_out_of_memory(model->host, "two rows");
    uint64_t const *shape = NULL;
    uint64_t rank = 0;
    const float *values;
    bool called = xgboost_call(model, rows, 2, &shape, &rank, &values);
    free(rows);
    if (!called) return xgboost_failed(model->host, SLIPWAY_FAILED_PRECONDITION, "the model answers no rows");
    uint64_t width = 1;
    for (uint64_t index = 1; index < rank; ++index) width *= shape[index];
    if (rank < 1 || rank > 2 || shape[0] != 2 || width < 1 || width > UINT32_MAX) {
        return adapter_status(
            model->host, SLIPWAY_UNIMPLEMENTED, "XGBoost's answers have %llu dimensions", (unsigned long long)rank);
    }
    model->width = (uint32_t)width;
    model->is_flat = rank == 1;
    return NULL;
}

static void describe(slipway_model *model, const xgboost_model *file) {
    adapter_description *description = &model->description;
    int64_t output[2] = {-1, model->width};
    adapter_tensor_description *rows = trees_rows_describe(description, SLIPWAY_FP32, model->features);
    for (uint32_t index = 0; file->feature_names && index < model->features; ++index) {
        adapter_description_column(description, rows, file->feature_names->items[index].text);
    }
    adapter_description_output(description, TREES_OUTPUT, SLIPWAY_FP32, output, model->is_flat ? 1 : 2);
    if (description->message) {
        description->message->batches = true;
        description->message->concurrent_executions = true;
    }
    static const char *const boosters[] = {"gbtree", "dart", "gblinear"};
    adapter_description_fact(description, "objective", "%s", file->objective);
    adapter_description_fact(description, "booster", "%s", boosters[file->booster]);
    if (file->booster != booster_linear) {
        adapter_description_fact(
            description, "iterations", "%u to %u of %u (%s)", model->settings.first_iteration,
            model->settings.end_iteration, file->iterations, model->settings.iterations_why);
    }
    if (model->settings.output_margin) adapter_description_fact(description, "output", "margins");
    if (!isnan(model->settings.missing)) {
        adapter_description_fact(description, "missing", "NaN and %.9g", (double)model->settings.missing);
    }
    if (file->feature_types) {
        adapter_text types = {0};
        for (uint32_t index = 0; index < model->features; ++index) {
            adapter_text_format(&types, "%s%s", index ? " " : "", file->feature_types->items[index].text);
        }
        adapter_description_fact(description, "feature_types", "%s", adapter_text_string(&types));
        adapter_text_free(&types);
    }
    adapter_description_fact(description, "threads", "%d", (int)model->settings.threads);
    adapter_description_fact(description, "library", "XGBoost %s, %s", xgboost_version(), xgboost_path());
}

static slipway_status *make_model(
    slipway_model *model, const adapter_load_request *request, const xgboost_model *file, const char *path,
    const char *bytes, size_t size, bool is_ubjson) {
    slipway_status *status = xgboost_settings_read(model->host, request, file, &model->settings);
    if (status) return status;
    model->features = file->features;
    model->groups = file->groups;
    model->is_linear = file->booster == booster_linear;
    if (!write_predict_settings(model)) return adapter_out_of_memory(model->host, path);
    status = make_booster(model, path, bytes, size);
    if (!status) status = learn_shape(model);
    if (status) return status;
    model->description = adapter_description_make(is_ubjson ? "xgboost-ubj" : "xgboost-json", file->version);
    describe(model, file);
    return xgboost_choose(model, file);
}

static slipway_status *read_file(
    slipway_adapter_state *state, const adapter_load_request *request, xgboost_model *file, char **path, char **bytes,
    size_t *size) {
    slipway_status *status = trees_adapter_read(state, request, path, bytes, size);
    if (status) return status;
    if (xgboost_judge(*path, *bytes, *size).certainty == XGBOOST_OLD) {
        status = adapter_status(
            state->host, SLIPWAY_FAILED_PRECONDITION,
            "%s is in XGBoost's old binary format, which XGBoost itself has given up; load it with the version that "
            "wrote it and save it again with the extension .json or .ubj", *path);
    } else {
        status = xgboost_model_read(state->host, *path, *bytes, *size, file);
    }
    if (status) {
        free(*path);
        free(*bytes);
    }
    return status;
}

slipway_status *xgboost_load(
    slipway_adapter_state *state, const adapter_load_request *request, slipway_model **loaded) {
    const slipway_host *host = state->host;
    slipway_status *status = xgboost_open(host, state->options->library, state->options->folder);
    if (status) return status;
    xgboost_model file;
    char *path, *bytes;
    size_t size;
    status = read_file(state, request, &file, &path, &bytes, &size);
    if (status) return status;
    slipway_model *model = calloc(1, sizeof *model);
    if (model) {
        model->host = host;
        pthread_mutex_init(&model->is_busy, NULL);
        status = make_model(model, request, &file, path, bytes, size, document_is_ubjson(bytes, size));
    } else {
        status = adapter_out_of_memory(host, path);
    }
    xgboost_model_free(&file);
    free(path);
    free(bytes);
    if (status) {
        xgboost_unload(model);
        return status;
    }
    *loaded = model;
    return NULL;
}

void xgboost_unload(slipway_model *model) {
    if (!model) return;
    if (model->booster) xgboost.booster_free(model->booster);
    trees_forest_free(model->choice.forest);
    adapter_description_free(&model->description);
    pthread_mutex_destroy(&model->is_busy);
    free(model->starts);
    free(model->predict_settings);
    free(model);
}
