#include "Adapter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int call_linear(
    slipway_model *model, const char *interface, uint64_t const **shape, uint64_t *rank, const float **values) {
    char settings[96];
    double missing = model->settings.missing;
    if (isnan(missing)) {
        snprintf(settings, sizeof settings, "{\"missing\":NaN,\"nthread\":1}");
    } else {
        snprintf(settings, sizeof settings, "{\"missing\":%.9e,\"nthread\":1}", missing);
    }
    void *matrix = NULL;
    int failed = xgboost.matrix_create(interface, settings, &matrix);
    if (!failed) {
        failed = xgboost.predict_matrix(model->booster, matrix, model->predict_settings, shape, rank, values);
        xgboost.matrix_free(matrix);
    }
    return failed;
}

bool xgboost_call(
    slipway_model *model, const float *rows, size_t count, uint64_t const **shape, uint64_t *rank,
    const float **values) {
    char interface[160];
    snprintf(
        interface, sizeof interface,
        "{\"data\":[%llu,true],\"shape\":[%zu,%u],\"typestr\":\"<f4\",\"version\":3}",
        (unsigned long long)(uintptr_t)rows, count, model->features);
    int failed = model->is_linear
        ? call_linear(model, interface, shape, rank, values)
        : xgboost.predict_dense(model->booster, interface, model->predict_settings, NULL, shape, rank, values);
    return !failed;
}

bool xgboost_predict(slipway_model *model, const float *rows, size_t count, float *answers) {
    const float *values = NULL;
    uint64_t const *shape = NULL;
    uint64_t rank = 0, total = 1;
    if (model->is_linear) pthread_mutex_lock(&model->is_busy);
    bool called = xgboost_call(model, rows, count, &shape, &rank, &values);
    for (uint64_t index = 0; called && index < rank; ++index) total *= shape[index];
    called = called && total == count * model->width;
    if (called) memcpy(answers, values, total * sizeof *answers);
    if (model->is_linear) pthread_mutex_unlock(&model->is_busy);
    return called;
}

/* Sums that become fewer answers need room of their own. */
#define ROOM 512

bool xgboost_evaluate(const slipway_model *model, const float *rows, size_t count, float *answers) {
    size_t groups = model->groups, total = count * groups;
    float room[ROOM];
    float *sums = answers;
    if (model->width != groups) sums = total <= ROOM ? room : malloc(total * sizeof *sums);
    if (!sums) return false;
    for (size_t row = 0; row < count; ++row) {
        for (size_t group = 0; group < groups; ++group) sums[row * groups + group] = model->starts[group];
    }
    bool summed = trees_forest_sum_f32(model->choice.forest, rows, count, sums);
    if (summed && !(model->settings.output_margin && sums == answers)) {
        objective_apply(model->objective, sums, count, groups, answers);
    }
    if (sums != answers && sums != room) free(sums);
    return summed;
}

static slipway_status *answer(slipway_model *model, const trees_rows *rows, slipway_execution *execution) {
    const slipway_host *host = model->host;
    int64_t shape[2] = {(int64_t)rows->count, model->width};
    slipway_bytes name = {TREES_OUTPUT, sizeof TREES_OUTPUT - 1};
    slipway_status *refusal = NULL;
    float *answers = host->output(
        host->context, execution, name, SLIPWAY_FP32, shape, model->is_flat ? 1 : 2,
        (uint64_t)rows->count * model->width * sizeof *answers, &refusal);
    if (!answers) return refusal;
    if (rows->count == 0) return NULL;
    if (trees_choice_is_own(&model->choice, rows->count)) {
        return xgboost_evaluate(model, rows->values, rows->count, answers) ? NULL : adapter_out_of_memory(host, "sums");
    }
    if (xgboost_predict(model, rows->values, rows->count, answers)) return NULL;
    return xgboost_failed(host, SLIPWAY_INTERNAL, "the rows can't be evaluated");
}

slipway_status *xgboost_execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending) {
    (void)instance;
    (void)pending;
    trees_rows rows;
    slipway_status *status = trees_rows_take(model->host, execution, model->features, false, &rows);
    if (status) return status;
    status = answer(model, &rows, execution);
    trees_rows_free(&rows);
    return status;
}
