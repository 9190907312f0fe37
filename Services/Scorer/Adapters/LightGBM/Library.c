#include "Library.h"

lightgbm_functions lightgbm;

static adapter_library library = ADAPTER_LIBRARY_INITIAL;

#define SYMBOL(name, member) {name, offsetof(lightgbm_functions, member), false}

static const adapter_symbol symbols[] = {
    SYMBOL("LGBM_GetLastError", last_error),
    SYMBOL("LGBM_RegisterLogCallback", register_log),
    SYMBOL("LGBM_BoosterLoadModelFromString", booster_load),
    SYMBOL("LGBM_BoosterFree", booster_free),
    SYMBOL("LGBM_BoosterCalcNumPredict", answer_count),
    SYMBOL("LGBM_BoosterPredictForMat", predict),
    SYMBOL("LGBM_BoosterPredictForMatSingleRowFastInit", fast_init),
    SYMBOL("LGBM_BoosterPredictForMatSingleRowFast", fast_predict),
    SYMBOL("LGBM_FastConfigFree", fast_free),
    {NULL, 0, false},
};

static const adapter_library_search search = {
    .adapter = "lightgbm",
    .framework = "LightGBM",
    .environment = "SLIPWAY_LIGHTGBM_LIBRARY",
    .names = (const char *const[]){"lib_lightgbm.so", NULL},
    .siblings = (const char *const[]){"libgomp*.so*", NULL},
    .symbols = symbols,
};

slipway_status *lightgbm_open(const slipway_host *host, const char *configured, const char *adapter_folder) {
    return adapter_library_open(host, &library, &search, configured, adapter_folder, &lightgbm);
}

const char *lightgbm_path(void) {
    return __atomic_load_n(&library.is_open, __ATOMIC_ACQUIRE) ? library.path : NULL;
}

slipway_status *lightgbm_failed(const slipway_host *host, slipway_code code, const char *what) {
    return adapter_status(host, code, "%s: LightGBM says: %s", what, lightgbm.last_error());
}
