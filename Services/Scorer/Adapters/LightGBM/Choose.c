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
    model->forest = lightgbm_model_forest(file, first, first + (uint32_t)model->settings.iteration_count, &why_not);
    if (!model->forest) return why_not;
    trees_trial trial = {
        .forest = model->forest,
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
    adapter_description *description = &model->description;
    if (model->settings.evaluator == evaluator_library) {
        adapter_description_fact(description, "evaluator", "library (as the options say)");
        return NULL;
    }
    trees_verdict verdict = {0};
    const char *why_not = prove(model, file, &verdict);
    if (!why_not) {
        model->library_from = model->settings.evaluator == evaluator_own ? 0 : verdict.library_from;
        trees_tell(description, model->forest, &verdict, model->library_from);
        return NULL;
    }
    trees_forest_free(model->forest);
    model->forest = NULL;
    if (model->settings.evaluator == evaluator_own) {
        return adapter_status(
            model->host, SLIPWAY_UNIMPLEMENTED,
            "the option `evaluator` is `own`, and this model can't be evaluated by the adapter itself: %s", why_not);
    }
    adapter_description_fact(description, "evaluator", "library (%s)", why_not);
    return NULL;
}
