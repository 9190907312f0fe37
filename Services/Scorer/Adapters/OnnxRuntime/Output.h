#ifndef OUTPUT_H
#define OUTPUT_H

#include "Prediction.h"

/* Hands an output to the host. `predicted`, where it is not NULL, gets to know what came out, and has the memory that
 * was reserved for it, if any. */
slipway_status *output_deliver(
    slipway_model *model, const Port *port, slipway_execution *execution, OrtValue *value,
    const Prediction *prediction, const Predicted *predicted);

#endif
