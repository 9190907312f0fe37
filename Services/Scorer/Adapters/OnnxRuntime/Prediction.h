/* Outputs that the runtime writes straight into the answer.
 *
 * For that their shape has to be known before they are there. A model says it, `[batch, 1000]`, and models are wrong
 * about it: so what it says is compared with what comes out, and believed only after an execution in which nothing but
 * the truth could have agreed: each open dimension of the inputs larger than one, and no two alike. Should a model
 * have earned belief and then be wrong, it executes once more, and is never believed again. Small outputs are not worth
 * any of this: copying them costs less than a call. */
#ifndef PREDICTION_H
#define PREDICTION_H

#include "Adapter.h"

enum { PREDICTED_OUTPUTS = 8, PREDICTED_RANK = 8, PREDICTED_SYMBOLS = 16, PREDICTED_BYTES = 1 << 16 };

/* What a model says of an output's shape, in an execution. */
typedef struct Predicted {
    bool is_large; /* and known; else the rest is not set */
    uint32_t rank;
    int64_t shape[PREDICTED_RANK];
    void *room; /* the answer's memory, where it was reserved */
} Predicted;

typedef struct Prediction {
    bool is_telling; /* whether agreement in this execution means something */
    uint32_t count;  /* of outputs looked at; 0: nothing is predicted */
    int64_t sizes[PREDICTED_SYMBOLS];
    Predicted outputs[PREDICTED_OUTPUTS];
} Prediction;

/* Looks at the inputs, which have been checked, and at what that says of the outputs. */
void prediction_begin(
    Prediction *prediction, const slipway_model *model, const slipway_tensor *inputs, const Port *const *input_ports,
    size_t input_count, const Port *const *output_ports, size_t output_count);

/* Reserves an output's memory and makes the value that the runtime writes into, if the model is believed. */
slipway_status *prediction_reserve(
    Predicted *predicted, slipway_model *model, const Port *port, slipway_execution *execution, OrtValue **value);

/* Compares with what came out. */
void prediction_learn(
    const Prediction *prediction, const Predicted *predicted, const Port *port, const int64_t *shape, size_t rank);

bool prediction_holds(const Predicted *predicted, const int64_t *shape, size_t rank);

#endif
