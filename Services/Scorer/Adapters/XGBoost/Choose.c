#include "Adapter.h"

#include <stdlib.h>

static bool of_library(void *context, const void *rows, size_t count, void *answers) {
    return xgboost_predict(context, rows, count, answers);
}

static bool of_ours(void *context, const void *rows, size_t count, void *answers) {
    return xgboost_evaluate(context, rows, count, answers);
}

/* Sums and answers as the objective has them; NULL, or why we can't. */
static const char *prepare(slipway_model *model, const xgboost_model *file) {
    objective_kind kind = objective_named(file->objective);
    if (kind == objective_unknown) return "the objective is not one of those known";
    if (model->settings.output_margin && model->width != model->groups) return "margins are not one of each class";
    model->objective = model->settings.output_margin ? objective_identity : kind;
    uint32_t expected = model->objective == objective_softmax ? 1 : model->groups;
    if (model->width != expected) return "the library gives another number of answers";
    model->starts = calloc((size_t)model->groups + 1, sizeof *model->starts);
    if (!model->starts) return "no memory left";
    for (uint32_t group = 0; group < model->groups; ++group) {
        model->starts[group] = objective_start(kind, (float)file->scores[file->score_count == 1 ? 0 : group]);
    }
    const char *why_not = NULL;
    model->choice.forest = xgboost_model_forest(
        file, model->settings.first_iteration, model->settings.end_iteration, model->settings.missing, &why_not);
    return why_not;
}

static const char *prove(slipway_model *model, trees_verdict *verdict) {
    trees_trial trial = {
        .forest = model->choice.forest,
        .features = model->features,
        .answer_bytes = model->width * sizeof(float),
        .missing = model->settings.missing,
        .context = model,
        .library = of_library,
        .own = of_ours,
    };
    if (!trees_prove(&trial, verdict)) return "no memory left";
    return verdict->is_equal ? NULL : verdict->difference;
}

slipway_status *xgboost_choose(slipway_model *model, const xgboost_model *file) {
    if (trees_choice_is_made(model->settings.evaluator, &model->description)) return NULL;
    trees_verdict verdict = {0};
    const char *why_not = prepare(model, file);
    if (!why_not) why_not = prove(model, &verdict);
    return trees_choice_settle(
        model->host, model->settings.evaluator, &model->choice, &verdict, why_not, &model->description);
}
