#include "Adapter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const adapter_option xgboost_options[] = {
    {"output_margin", "true: sums of leaves, before the objective makes predictions of them", "false"},
    {"iteration_range",
     "iterations to use, `first,end`; auto: up to the best one where scikit-learn's wrapper stopped early; all; best",
     "auto"},
    {"missing", "a value that means missing, besides NaN", "nan"},
    {"threads", "threads of the library for one execution", "1"},
    {"evaluator", "own: trees evaluated by the adapter; library: XGBoost; auto: whichever is faster", "auto"},
    {NULL, NULL, NULL},
};

static slipway_status *read_range(
    const slipway_host *host, const char *text, const xgboost_model *file, xgboost_settings *settings) {
    settings->first_iteration = 0;
    settings->end_iteration = file->iterations;
    settings->iterations_why = "all";
    bool is_best = !strcmp(text, "best");
    if (is_best && file->best_iteration < 0) {
        return adapter_status(
            host, SLIPWAY_INVALID_ARGUMENT, "the option `iteration_range` is `best`; the model has no best_iteration");
    }
    if (is_best || (!strcmp(text, "auto") && file->is_scikit && file->best_iteration >= 0)) {
        if (file->best_iteration < file->iterations) settings->end_iteration = (uint32_t)file->best_iteration + 1;
        settings->iterations_why = "up to the best iteration";
        return NULL;
    }
    if (!strcmp(text, "auto") || !strcmp(text, "all")) return NULL;
    char *comma = NULL, *end = NULL;
    unsigned long first = strtoul(text, &comma, 10), last = *comma == ',' ? strtoul(comma + 1, &end, 10) : 0;
    bool is_plain = *text >= '0' && *text <= '9' && end && end > comma + 1 && !*end && comma[1] >= '0' && comma[1] <= '9';
    if (!is_plain || first >= last || last > file->iterations) {
        return adapter_status(
            host, SLIPWAY_INVALID_ARGUMENT,
            "the option `iteration_range` is `%s`; it is auto, all, best, or `first,end` up to `0,%u`", text,
            file->iterations);
    }
    settings->first_iteration = (uint32_t)first;
    settings->end_iteration = (uint32_t)last;
    settings->iterations_why = "as the options say";
    return NULL;
}

slipway_status *xgboost_settings_read(
    const slipway_host *host, const adapter_load_request *request, const xgboost_model *file,
    xgboost_settings *settings) {
    adapter_settings given;
    slipway_status *status = adapter_settings_of_model(host, request, xgboost_options, &given);
    if (status) return status;
    double missing = NAN;
    settings->output_margin = false;
    status = adapter_setting_flag(&given, "output_margin", &settings->output_margin);
    if (!status) status = adapter_setting_number(&given, "missing", &missing);
    if (!status) status = trees_choice_read(&given, request, &settings->threads, &settings->evaluator);
    if (!status) status = read_range(host, adapter_setting(&given, "iteration_range"), file, settings);
    settings->missing = (float)missing;
    return status;
}
