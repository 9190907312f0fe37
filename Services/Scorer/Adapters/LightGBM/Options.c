#include "Adapter.h"

const adapter_option lightgbm_options[] = {
    {"raw_score", "true: sums of leaves, before the objective makes predictions of them", "false"},
    {"start_iteration", "the first iteration to use", "0"},
    {"num_iteration", "how many iterations to use; -1: all", "-1"},
    {"threads", "threads of the library for one execution", "1"},
    {"evaluator", "own: trees evaluated by the adapter; library: LightGBM; auto: whichever is faster", "auto"},
    {NULL, NULL, NULL},
};

slipway_status *lightgbm_settings_read(
    const slipway_host *host, const adapter_load_request *request, const lightgbm_model *file,
    lightgbm_settings *settings) {
    adapter_settings given;
    slipway_status *status = adapter_settings_of_model(host, request, lightgbm_options, &given);
    if (status) return status;
    int64_t last = file->iterations ? (int64_t)file->iterations - 1 : 0;
    *settings = (lightgbm_settings){0};
    status = adapter_setting_flag(&given, "raw_score", &settings->raw_score);
    if (!status) status = adapter_setting_integer(&given, "start_iteration", 0, last, &settings->first_iteration);
    if (!status) {
        status = adapter_setting_integer(&given, "num_iteration", -1, INT32_MAX, &settings->iteration_count);
    }
    if (!status) status = trees_choice_read(&given, request, &settings->threads, &settings->evaluator);
    int64_t left = (int64_t)file->iterations - settings->first_iteration;
    if (settings->iteration_count <= 0 || settings->iteration_count > left) settings->iteration_count = left;
    return status;
}
