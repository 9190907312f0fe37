/* The adapter's parts: state, loaded models, and how these are loaded, evaluated and described. */
#ifndef LIGHTGBM_ADAPTER_H
#define LIGHTGBM_ADAPTER_H

#include "Library.h"
#include "Model.h"
#include "Objective.h"
#include "trees_adapter.h"
#include "trees_choice.h"
#include "trees_rows.h"

/* What a model's options say. */
typedef struct lightgbm_settings {
    bool raw_score;
    int64_t first_iteration;
    int64_t iteration_count; /* at least 1 where there are any */
    int64_t threads;
    trees_wish evaluator;
} lightgbm_settings;

/* The library's way for a single row, which one call at a time may take. */
typedef struct lightgbm_fast {
    pthread_mutex_t is_busy;
    void *handle;
} lightgbm_fast;

/* Constant after loading, but for the locks: any number of threads execute. */
struct slipway_model {
    const slipway_host *host;
    lightgbm_settings settings;
    uint32_t features;
    uint32_t groups;
    objective objective;
    bool averages;

    void *booster;
    lightgbm_fast fast[2]; /* for LIGHTGBM_FP32 and LIGHTGBM_FP64 */
    char parameters[64];

    trees_choice choice;

    adapter_description description;
};

extern const adapter_option lightgbm_options[];

slipway_status *lightgbm_settings_read(
    const slipway_host *host, const adapter_load_request *request, const lightgbm_model *file,
    lightgbm_settings *settings);

/* What a file looks like. */
trees_guess lightgbm_judge(const char *name, const char *head, size_t size);

slipway_status *lightgbm_load(
    slipway_adapter_state *state, const adapter_load_request *request, slipway_model **loaded);
void lightgbm_unload(slipway_model *model);

/* The library's answers for rows; false where it fails. */
bool lightgbm_predict(slipway_model *model, const void *rows, bool is_f64, size_t count, double *answers);

/* Our own answers; false where memory runs out. */
bool lightgbm_evaluate(const slipway_model *model, const void *rows, bool is_f64, size_t count, double *answers);

slipway_status *lightgbm_execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending);

/* Decides who evaluates, and says why in the description. */
slipway_status *lightgbm_choose(slipway_model *model, const lightgbm_model *file);

#endif
