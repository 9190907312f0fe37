#include "Library.h"

#include <stdio.h>
#include <string.h>

xgboost_functions xgboost;

static adapter_library library = ADAPTER_LIBRARY_INITIAL;

#define SYMBOL(name, member) {name, offsetof(xgboost_functions, member), false}

static const adapter_symbol symbols[] = {
    SYMBOL("XGBoostVersion", version),
    SYMBOL("XGBGetLastError", last_error),
    SYMBOL("XGBRegisterLogCallback", register_log),
    SYMBOL("XGBoosterCreate", booster_create),
    SYMBOL("XGBoosterFree", booster_free),
    SYMBOL("XGBoosterLoadModelFromBuffer", booster_load),
    SYMBOL("XGBoosterSetParam", booster_set),
    SYMBOL("XGBoosterPredictFromDense", predict_dense),
    SYMBOL("XGBoosterPredictFromDMatrix", predict_matrix),
    SYMBOL("XGDMatrixCreateFromDense", matrix_create),
    SYMBOL("XGDMatrixFree", matrix_free),
    {NULL, 0, false},
};

static const adapter_library_search search = {
    .adapter = "xgboost",
    .framework = "XGBoost",
    .environment = "SLIPWAY_XGBOOST_LIBRARY",
    .names = (const char *const[]){"libxgboost.so", NULL},
    /* The wheel brings its own OpenMP, which it looks for where wheels are installed. */
    .siblings = (const char *const[]){"libgomp*.so*", "../../xgboost*.libs/libgomp*.so*", NULL},
    .symbols = symbols,
};

slipway_status *xgboost_open(const slipway_host *host, const char *configured, const char *adapter_folder) {
    return adapter_library_open(host, &library, &search, configured, adapter_folder, &xgboost);
}

const char *xgboost_version(void) {
    static char text[48];
    if (!__atomic_load_n(&library.is_open, __ATOMIC_ACQUIRE)) return NULL;
    pthread_mutex_lock(&library.lock);
    if (!*text) {
        int major = 0, minor = 0, patch = 0;
        xgboost.version(&major, &minor, &patch);
        snprintf(text, sizeof text, "%d.%d.%d", major, minor, patch);
    }
    pthread_mutex_unlock(&library.lock);
    return text;
}

const char *xgboost_path(void) {
    return __atomic_load_n(&library.is_open, __ATOMIC_ACQUIRE) ? library.path : NULL;
}

slipway_status *xgboost_failed(const slipway_host *host, slipway_code code, const char *what) {
    const char *error = xgboost.last_error();
    /* "[time] file:line: what was wrong\nStack trace: …" */
    const char *end = strstr(error, "\nStack trace");
    size_t size = end ? (size_t)(end - error) : strlen(error);
    while (size > 0 && error[size - 1] == '\n') --size;
    return adapter_status(host, code, "%s: XGBoost says: %.*s", what, (int)size, error);
}
