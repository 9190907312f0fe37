/* The adapter's parts: state, loaded models, and how these are loaded, evaluated and described. */
#ifndef XGBOOST_ADAPTER_H
#define XGBOOST_ADAPTER_H

#include "Library.h"
#include "Model.h"
#include "Objective.h"
#include "trees_adapter.h"
#include "trees_choice.h"
#include "trees_rows.h"

/* What a model's options say. */
typedef struct xgboost_settings {
    bool output_margin;
    float missing;
    uint32_t first_iteration, end_iteration;
    const char *iterations_why; /* static */
    int64_t threads;
    trees_wish evaluator;
} xgboost_settings;

/* Constant after loading, but for the lock: any number of threads execute. */
struct slipway_model {
    const slipway_host *host;
    xgboost_settings settings;
    uint32_t features;
    uint32_t groups;
    uint32_t width; /* answers of a row */
    bool is_flat;   /* one answer a row, without a dimension of its own */
    objective_kind objective;

    void *booster;
    bool is_linear;            /* which the library's faster call does not do */
    pthread_mutex_t is_busy;   /* for its slower call, which keeps answers in the booster */
    char *predict_settings;

    trees_choice choice;
    float *starts; /* of the forest's sums */

    adapter_description description;
};

extern const adapter_option xgboost_options[];

slipway_status *xgboost_settings_read(
    const slipway_host *host, const adapter_load_request *request, const xgboost_model *file,
    xgboost_settings *settings);

/* What a file looks like. */
#define XGBOOST_OLD 60 /* the certainty of the binary format of old */
trees_guess xgboost_judge(const char *name, const char *head, size_t size);

slipway_status *xgboost_load(
    slipway_adapter_state *state, const adapter_load_request *request, slipway_model **loaded);
void xgboost_unload(slipway_model *model);

/* The library's answers for rows, copied to `answers`; false where it fails or gives another number of them. */
bool xgboost_predict(slipway_model *model, const float *rows, size_t count, float *answers);

/* The library's answers where they lie, valid until its next call on this thread; of a linear model for nobody but the
 * caller until then. False where it fails. */
bool xgboost_call(
    slipway_model *model, const float *rows, size_t count, uint64_t const **shape, uint64_t *rank,
    const float **values);

/* Our own answers; false where memory runs out. */
bool xgboost_evaluate(const slipway_model *model, const float *rows, size_t count, float *answers);

slipway_status *xgboost_execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending);

/* Decides who evaluates, and says why in the description. */
slipway_status *xgboost_choose(slipway_model *model, const xgboost_model *file);

#endif
