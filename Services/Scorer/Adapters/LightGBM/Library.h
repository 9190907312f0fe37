/* Functions of LightGBM's C library that are used here. */
#ifndef LIGHTGBM_LIBRARY_H
#define LIGHTGBM_LIBRARY_H

#include "adapter_common.h"

/* LightGBM's numbers. */
#define LIGHTGBM_FP32 0
#define LIGHTGBM_FP64 1
#define LIGHTGBM_NORMAL 0
#define LIGHTGBM_RAW 1

typedef struct lightgbm_functions {
    const char *(*last_error)(void);
    int (*register_log)(void (*write)(const char *message));
    int (*booster_load)(const char *text, int *iterations, void **booster);
    int (*booster_free)(void *booster);
    int (*answer_count)(void *booster, int rows, int kind, int first, int iterations, int64_t *count);
    int (*predict)(
        void *booster, const void *rows, int type, int32_t count, int32_t columns, int is_row_major, int kind,
        int first, int iterations, const char *parameters, int64_t *answer_count, double *answers);
    int (*fast_init)(
        void *booster, int kind, int first, int iterations, int type, int32_t columns, const char *parameters,
        void **fast);
    int (*fast_predict)(void *fast, const void *row, int64_t *answer_count, double *answers);
    int (*fast_free)(void *fast);
} lightgbm_functions;

/* Filled by the first lightgbm_open that succeeds, and constant from then on. */
extern lightgbm_functions lightgbm;

slipway_status *lightgbm_open(const slipway_host *host, const char *configured, const char *adapter_folder);

/* The file that was opened; NULL as long as none was. */
const char *lightgbm_path(void);

/* A status with what LightGBM says was wrong. */
slipway_status *lightgbm_failed(const slipway_host *host, slipway_code code, const char *what);

#endif
