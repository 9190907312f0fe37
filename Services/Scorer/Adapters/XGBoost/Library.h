/* Functions of XGBoost's C library that are used here. */
#ifndef XGBOOST_LIBRARY_H
#define XGBOOST_LIBRARY_H

#include "adapter_common.h"

typedef struct xgboost_functions {
    void (*version)(int *major, int *minor, int *patch);
    const char *(*last_error)(void);
    int (*register_log)(void (*write)(const char *message));
    int (*booster_create)(void *const *matrices, uint64_t count, void **booster);
    int (*booster_free)(void *booster);
    int (*booster_load)(void *booster, const void *bytes, uint64_t size);
    int (*booster_set)(void *booster, const char *name, const char *value);
    int (*predict_dense)(
        void *booster, const char *rows, const char *settings, void *proxy, uint64_t const **shape, uint64_t *rank,
        const float **values);
    int (*predict_matrix)(
        void *booster, void *matrix, const char *settings, uint64_t const **shape, uint64_t *rank,
        const float **values);
    int (*matrix_create)(const char *rows, const char *settings, void **matrix);
    int (*matrix_free)(void *matrix);
} xgboost_functions;

/* Filled by the first xgboost_open that succeeds, and constant from then on. */
extern xgboost_functions xgboost;

slipway_status *xgboost_open(const slipway_host *host, const char *configured, const char *adapter_folder);

/* The version, `3.2.0`; NULL as long as the library is not open. */
const char *xgboost_version(void);

/* The file that was opened; NULL as long as none is. */
const char *xgboost_path(void);

/* A status with what XGBoost says was wrong, without its stack trace. */
slipway_status *xgboost_failed(const slipway_host *host, slipway_code code, const char *what);

#endif
