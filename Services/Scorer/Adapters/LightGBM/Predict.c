#include "Adapter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int kind_of(const slipway_model *model) {
    return model->settings.raw_score ? LIGHTGBM_RAW : LIGHTGBM_NORMAL;
}

/* The library's way for a single row, unless another thread is on it. */
static bool predict_fast(slipway_model *model, const void *row, int type, double *answers, int *failed) {
    lightgbm_fast *fast = &model->fast[type];
    if (pthread_mutex_trylock(&fast->is_busy)) return false;
    int64_t count = 0;
    *failed = 0;
    if (!fast->handle) {
        *failed = lightgbm.fast_init(
            model->booster, kind_of(model), (int)model->settings.first_iteration,
            (int)model->settings.iteration_count, type, (int32_t)model->features, model->parameters, &fast->handle);
    }
    if (!*failed) *failed = lightgbm.fast_predict(fast->handle, row, &count, answers);
    pthread_mutex_unlock(&fast->is_busy);
    return true;
}

bool lightgbm_predict(slipway_model *model, const void *rows, bool is_f64, size_t count, double *answers) {
    int type = is_f64 ? LIGHTGBM_FP64 : LIGHTGBM_FP32, failed = 0;
    if (count == 1 && predict_fast(model, rows, type, answers, &failed)) return !failed;
    int64_t written = 0;
    failed = lightgbm.predict(
        model->booster, rows, type, (int32_t)count, (int32_t)model->features, 1, kind_of(model),
        (int)model->settings.first_iteration, (int)model->settings.iteration_count, model->parameters, &written,
        answers);
    return !failed && written == (int64_t)(count * model->groups);
}

bool lightgbm_evaluate(const slipway_model *model, const void *rows, bool is_f64, size_t count, double *answers) {
    size_t total = count * model->groups;
    memset(answers, 0, total * sizeof *answers);
    bool summed = is_f64 ? trees_forest_sum_f64(model->choice.forest, rows, count, answers)
                         : trees_forest_sum_f32_in_f64(model->choice.forest, rows, count, answers);
    if (!summed) return false;
    if (model->averages) {
        double iterations = (double)model->settings.iteration_count;
        for (size_t index = 0; index < total; ++index) answers[index] /= iterations;
    }
    if (!model->settings.raw_score) objective_apply(&model->objective, answers, count, model->groups);
    return true;
}

static slipway_status *answer(slipway_model *model, const trees_rows *rows, slipway_execution *execution) {
    const slipway_host *host = model->host;
    int64_t shape[2] = {(int64_t)rows->count, model->groups};
    slipway_bytes name = {TREES_OUTPUT, sizeof TREES_OUTPUT - 1};
    slipway_status *refusal = NULL;
    double *answers = host->output(
        host->context, execution, name, SLIPWAY_FP64, shape, model->groups == 1 ? 1 : 2,
        (uint64_t)rows->count * model->groups * sizeof *answers, &refusal);
    if (!answers) return refusal;
    if (rows->count == 0) return NULL;
    if (trees_choice_is_own(&model->choice, rows->count)) {
        bool evaluated = lightgbm_evaluate(model, rows->values, rows->is_f64, rows->count, answers);
        return evaluated ? NULL : adapter_out_of_memory(host, "values of rows");
    }
    if (lightgbm_predict(model, rows->values, rows->is_f64, rows->count, answers)) return NULL;
    return lightgbm_failed(host, SLIPWAY_INTERNAL, "the rows can't be evaluated");
}

slipway_status *lightgbm_execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending) {
    (void)instance;
    (void)pending;
    trees_rows rows;
    slipway_status *status = trees_rows_take(model->host, execution, model->features, true, &rows);
    if (status) return status;
    if (rows.count > INT32_MAX) {
        status = adapter_status(
            model->host, SLIPWAY_INVALID_ARGUMENT, "%zu rows are more than LightGBM takes at once, %d", rows.count,
            INT32_MAX);
    } else {
        status = answer(model, &rows, execution);
    }
    trees_rows_free(&rows);
    return status;
}
