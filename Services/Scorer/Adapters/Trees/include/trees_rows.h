/* Rows of an execution, in a type that a framework of trees takes. */
#ifndef TREES_ROWS_H
#define TREES_ROWS_H

#include "adapter_description.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TREES_INPUT "input"
#define TREES_OUTPUT "predictions"

/* Describes the one input: [n, features] of the datatype, and that all other numbers are taken too. The result, NULL
 * where memory ran out, is the description's. */
adapter_tensor_description *trees_rows_describe(
    adapter_description *description, slipway_datatype datatype, uint32_t features);

typedef struct trees_rows {
    const void *values; /* floats, or doubles where `is_f64` */
    size_t count;
    bool is_f64;
    void *owned; /* what had to be converted */
} trees_rows;

/* Takes the one input of an execution, [n, features] of any numeric type. FP32 is taken as it is, and FP64 too where
 * `keeps_f64`; everything else becomes FP32, as the frameworks' Python packages convert. INVALID_ARGUMENT for what
 * does not fit, and for an output asked for that there is not. The caller releases the rows; they are valid as long as
 * the execution. */
slipway_status *trees_rows_take(
    const slipway_host *host, const slipway_execution *execution, uint32_t features, bool keeps_f64, trees_rows *rows);
void trees_rows_free(trees_rows *rows);

#endif
