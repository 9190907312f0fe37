#include "Adapter.h"

static bool of_library(void *context, const void *rows, size_t count, void *answers) {
    return lightgbm_predict(context, rows, true, count, answers);
}

static bool of_ours(void *context, const void *rows, size_t count, void *answers) {
    return lightgbm_evaluate(context, rows, true, count, answers);
}

/* NULL, or why the library has to serve. */
static const char *prove(slipway_model *model, const lightgbm_model *file, trees_verdict *verdict) {
    if (model->objective.kind == objective_unknown) return "the objective is not one of those known";
    const char *why_not = NULL;
    uint32_t first = (uint32_t)model->settings.first_iteration;
    model->choice.forest = lightgbm_model_forest(file, first, first + (uint32_t)model->settings.iteration_count, &why_not);
    if (!model->choice.forest) return why_not;
    trees_trial trial = {
        .forest = model->choice.forest,
        .features = model->features,
        .rows_are_f64 = true,
        .answer_bytes = model->groups * sizeof(double),
        .missing = __builtin_nan(""),
        .context = model,
        .library = of_library,
        .own = of_ours,
    };
    if (!trees_prove(&trial, verdict)) return "no memory left";
    return verdict->is_equal ? NULL : verdict->difference;
}

slipway_status *lightgbm_choose(slipway_model *model, const lightgbm_model *file) {
    if (trees_choice_is_made(model->settings.evaluator, &model->description)) return NULL;
    trees_verdict verdict = {0};
    const char *why_not = prove(model, file, &verdict);
    return trees_choice_settle(
        model->host, model->settings.evaluator, &model->choice, &verdict, why_not, &model->description);
}
